"""Requests whose limits pass: every lapse climbs its ladder by itself."""

from sandbox.demo.driver import Case, Driver
from sandbox.demo.story import Expected, Story


async def _refuse_truck(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.wait(case, hours=5)
    await city.unit(case, "zz-jinshui-chengguan", "sign-in")
    await city.wait_past_due(case, working_days=5, hours=5)
    await city.unit(case, "zz-jinshui-chengguan", "submit-result", text="涉事车辆已停运检修，更换密封条并加装监控。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=3, solved=True, contacted=True)


async def _trees(city: Driver, case: Case) -> None:
    await city.dispatch(case, lead="zz-yuanlin", assisting=[])
    await city.wait_past_due(case, working_days=3, hours=5)
    await city.step(
        case, "dispatcher", "redispatch", lead="zz-jinshui", assisting=[], text="原承办单位逾期未签收，改派属地。"
    )
    await city.unit(case, "zz-jinshui", "sign-in")
    await city.wait(case, days=1)
    await city.unit(case, "zz-jinshui", "submit-result", text="危树已由专业队伍移除，现场清理完毕。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


async def _burst_main(city: Driver, case: Case) -> None:
    await city.wait(case, minutes=30)
    await city.dispatch(case)
    await city.wait(case, minutes=20)
    await city.unit(case, "zz-water", "sign-in")
    await city.wait(case, hours=1)
    await city.unit(case, "zz-water", "give-opinion", text="主管爆裂，已关阀止水，抢修队到场，安排送水车。")
    await city.wait(case, hours=10)
    await city.unit(case, "zz-water", "report-progress", text="破损管段已切除，夜间焊接。")
    await city.wait_past_due(case, hours=2)
    await city.unit(case, "zz-water", "submit-result", text="管道修复并冲洗完毕，全部用户恢复供水。")
    await city.wait(case, days=1)
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


async def _power(city: Driver, case: Case) -> None:
    await city.wait_past_due(case, hours=10)
    await city.dispatch(case)
    await city.unit(case, "zz-power", "sign-in")
    await city.wait(case, hours=30)
    await city.unit(case, "zz-power", "submit-result", text="已核对表底并退还多计电费。")
    await city.wait_past_due(case, hours=10)
    await city.step(case, "callback", "call-back", reached=False)
    await city.wait(case, hours=4)
    await city.step(case, "callback", "call-back", reached=False)
    await city.wait(case, hours=4)
    await city.step(case, "callback", "call-back", reached=False)


STORIES = [
    Story(
        "垃圾清运车沿街滴漏",
        "the unit signs in and is a week late: supervision, discipline inspection, joint meeting, circular …",
        {
            "channel": "snapshot", "name": "刘先生", "phone": "13800000007", "address": "金水区花园路",
            "text": "每天早上垃圾清运车跑冒滴漏，污水洒了一路。", "category": "complaint", "item": "refuse-truck",
        },
        _refuse_truck,
        Expected(
            "received dispatched signed_in yellow red supervision_order discipline_referral joint_meeting circular "
            "interview result_submitted called_back closed:resolved"
        ),
    ),
    Story(
        "小区危树无人处理",
        "the unit never signs in; the dispatcher sends it elsewhere",
        {
            "channel": "message_board", "name": "吴女士", "phone": "13800000008", "address": "金水区一处老小区",
            "text": "小区里一棵大树已经枯死倾斜，树木随时会砸到人。", "category": "help", "item": "trees",
        },
        _trees,
        Expected(
            "received dispatched yellow red supervision_order discipline_referral redispatched signed_in "
            "result_submitted called_back closed:resolved"
        ),
    ),
    Story(
        "主干管爆裂大面积停水",
        "an outage: hours instead of days, daily progress, one day's report missed",
        {
            "channel": "phone", "name": "郑女士", "phone": "13800000009", "address": "大学路中段",
            "text": "路中间自来水主管爆管，附近几个小区大面积停水。", "category": "help", "item": "outage-water",
        },
        _burst_main,
        Expected(
            "received dispatched signed_in opinion_given progress_reported red supervision_order discipline_referral "
            "result_submitted called_back closed:resolved"
        ),
    ),
    Story(
        "电费多收",
        "the hotline itself is late, twice; three callbacks reach nobody",
        {
            "channel": "web", "name": "何先生", "phone": "13800000010", "address": "二七区某小区",
            "text": "这个月电费明显多收了，电表好像有问题，投诉处理。", "category": "complaint", "item": "power",
        },
        _power,
        Expected(
            "received yellow red supervision_order dispatched signed_in result_submitted yellow red supervision_order "
            "called_back called_back called_back closed:unreachable"
        ),
    ),
]  # fmt: skip
