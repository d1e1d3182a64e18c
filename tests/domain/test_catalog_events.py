"""Every event that the source documents tell of and a hotline would take finds its matter and its unit in Zhengzhou."""

from datetime import date
from pathlib import Path

import pytest

from domain.city import load_city

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")
CATALOG = CITY.catalog.on(date(2026, 11, 22))

EVENTS: dict[str, list[tuple[str, str | None, str, str]]] = {
    "000": [
        ("家里水压很小，热水器打不着火", "丰庆路与国基路交叉口丰庆佳苑", "water-pressure", "zz-water"),
        ("水龙头的水特别小，热水器点不着", "丰庆佳苑", "water-pressure", "zz-water"),
        ("系统预警有漏水，要开挖抢修", "未来路街道燕乐里新田小区", "water-leak", "zz-water"),
        ("我们这里是低压区，高层没水", None, "water-pressure", "zz-water"),
        ("马路上爆管了", None, "outage-water", "zz-water"),
        ("小区门口地下一直在渗水", "燕乐里新田", "water-leak", "zz-water"),
        ("大学路围挡修水管修了几个月", "大学路", "water-renewal", "zz-water"),
        ("老旧管网改造的围挡什么时候拆", "大学路", "water-renewal", "zz-water"),
        ("水厂检修，计划停水到几点", None, "water-stop", "zz-water"),
        ("想问自来水安装怎么在网上办", None, "water-service", "zz-water"),
        ("大面积停水", None, "outage-water", "zz-water"),
        ("大面积停电", None, "outage-power", "zz-power"),
        ("整个小区都没有电了", None, "outage-power", "zz-power"),
        ("天然气全小区都停了", None, "outage-gas", "zz-gas"),
        ("大面积停气", None, "outage-gas", "zz-gas"),
        ("大面积停热", None, "outage-heat", "zz-heat"),
        ("河边大面积污染", None, "outage-pollution", "zz-huanbao"),
        ("发生塌方事故，有自然灾害的危险", None, "sudden-event", "zz-yingji"),
        ("有传染病疫情要报告", None, "hospital", "zz-weijian"),
        ("买东西被商家欺诈，以前打12315", None, "consumer", "zz-shichang"),
        ("医院看病挂号问题，以前打12320", None, "hospital", "zz-weijian"),
        ("网约车拒载，以前打12328", None, "taxi", "zz-jiaotong"),
        ("公积金提取，以前打12329", None, "provident-fund", "zz-gongjijin"),
        ("单位拖欠工资，以前打12333", None, "wages", "zz-renshe"),
        ("申请法律援助，以前打12348", None, "legal-aid", "zz-sifa"),
        ("开发票和退税，以前打12366", None, "tax", "zz-shuiwu"),
        ("办护照签证，以前打12367", None, "exit-entry", "zz-gongan"),
    ],
    "001": [
        ("慢性病门特药一直没批下来，影响治疗", None, "chronic-drugs", "zz-yibao"),
        ("道路破损影响出行", None, "road-damage", "zz-chengguan"),
        ("医保报销要走什么流程", None, "medical-insurance", "zz-yibao"),
        ("我们企业要办经营许可", None, "business-licence", "zz-shichang"),
        ("隔离护栏底座缺失很危险", "郑东新区西周路与安平路", "guard-rail", "zz-shangdulu"),
        ("路中间的栏杆底座没了", "西周路与安平路", "guard-rail", "zz-shangdulu"),
        ("马路坏了，有个大坑", None, "road-damage", "zz-chengguan"),
        ("企业想咨询惠企政策", None, "commerce", "zz-shangwu"),
        ("110转来：邻里纠纷请调解", "杜岭街", "neighbourhood", "zz-dulingjie"),
        ("邻居吵架，110说不归他们管", "杜岭街", "neighbourhood", "zz-dulingjie"),
        ("小区停车位不够", "二七区", "parking-fee", "zz-erqi"),
        ("院里绿化要补种", "金水区", "trees", "zz-jinshui"),
        ("老楼想加装电梯", "金水区", "elevator-retrofit", "zz-jinshui"),
        ("我们楼院想做暖气改造", "金水区", "heat-retrofit", "zz-jinshui"),
        ("这里是无主管楼院，没人管", "未来路", "unmanaged-yard", "zz-weilailu"),
        ("物业公司和业主有矛盾", "二七区", "property-management", "zz-erqi"),
        ("小区里有危树", None, "trees", "zz-yuanlin"),
        ("雪停了主干道没有除雪", None, "snow", "zz-chengguan"),
        ("跨年夜孩子走失了", "郑东新区CBD", "missing-person", "zz-gongan"),
        ("小区消防通道被占用", "二七区云立方小区", "fire-lane", "zz-xiaofang"),
        ("通道停满了车，消防车进不来", "云立方", "fire-lane", "zz-xiaofang"),
        ("老人在火车站走失了", "郑州火车站", "missing-person", "zz-gongan"),
        ("公交很久不来", None, "bus", "zz-gongjiao"),
        ("地铁口出不去", None, "metro", "zz-ditie"),
    ],
    "002": [
        ("天太冷，水表冻住了", None, "water-frozen", "zz-water"),
        ("管道压力异常，小区附近有漏点", None, "water-leak", "zz-water"),
        ("自备井封停以后用什么水", None, "water-service", "zz-water"),
        ("加压站噪声小一点，水箱清洗勤一点", None, "water-pumps", "zz-water"),
    ],
    "003": [
        ("老人家里水管锈蚀，水质不好", None, "water-quality", "zz-water"),
        ("独居老人用水异常，请上门看看", None, "elder-no-water", "zz-water"),
        ("老人一个人住，水表一天没走", None, "elder-no-water", "zz-water"),
        ("新户登记和欠费用水怎么缴", None, "water-service", "zz-water"),
        ("二次供水泵房设施老旧", None, "water-pumps", "zz-water"),
        ("检查井的井盖松了", None, "manhole", "zz-chengguan"),
    ],
    "004": [
        ("串联小区气堵，好几户暖气不热", "金水区杜岭街八栋楼社区", "heat-cold", "zz-heat"),
        ("楼里末端不热，室温不均", "八栋楼社区", "heat-cold", "zz-heat"),
        ("楼道里暖气管漏水", None, "heat-leak", "zz-heat"),
        ("垃圾清运车密闭不严，一路跑冒滴漏", "金水区", "refuse-truck", "zz-jinshui-chengguan"),
        ("拉垃圾的车不盖盖子，漏得到处都是", "金水区", "refuse-truck", "zz-jinshui-chengguan"),
        ("清运车辆私拉乱倒", "金水区", "refuse-truck", "zz-jinshui-chengguan"),
        ("清运车超速，车身不洁", "金水区", "refuse-truck", "zz-jinshui-chengguan"),
        ("中转站垃圾没人清运", "金水区", "refuse", "zz-jinshui-chengguan"),
    ],
}
"""By source document: what somebody says, where, and the item and lead unit that it must find."""


@pytest.mark.parametrize(
    ("text", "address", "item", "lead"), [event for events in EVENTS.values() for event in events], ids=lambda v: None
)
def test_it_finds_its_unit(text: str, address: str | None, item: str, lead: str) -> None:
    best = CATALOG.suggest(text, address)[0]
    assert (best.item, best.lead) == (item, lead), best.because


def test_the_outages_among_them_have_short_clocks() -> None:
    told = {item for events in EVENTS.values() for _, _, item, _ in events}
    assert {code for code in told if CATALOG.items[code].outage} == {
        "outage-water", "outage-power", "outage-gas", "outage-heat", "outage-pollution",
    }  # fmt: skip
