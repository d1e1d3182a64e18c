"""Requests that end at the hotline's desk."""

from sandbox.demo.driver import Case, Driver
from sandbox.demo.story import Expected, Story


async def _lawsuit(city: Driver, case: Case) -> None:
    await city.wait(case, minutes=5)
    await city.step(case, "agent", "reject", ground="litigation", text="诉求人称法院已立案。")


async def _insurance(city: Driver, case: Case) -> None:
    await city.wait(case, minutes=3)
    await city.step(case, "agent", "answer", text="住院费用出院时直接结算；异地就医请先在线备案，再凭社保卡结算。")


async def _neighbours(city: Driver, case: Case) -> None:
    await city.step(case, "agent", "transfer", to="110", text="来电反映有人持械，已三方通话。")
    await city.wait(case, minutes=4)
    await city.partner(case, "110", "refuse-transfer", text="到场核实为邻里噪声纠纷，不属警务警情。")
    await city.step(case, "agent", "transfer", to="12319")
    await city.wait(case, hours=2)
    await city.partner(case, "12319", "acknowledge-transfer", number="CG2026112200031")


async def _found(city: Driver, case: Case) -> None:
    await city.dispatch(case)
    await city.unit(case, "zz-gongjiao", "sign-in")
    await city.step(case, "agent", "withdraw", text="诉求人称失物已经找到。")


STORIES = [
    Story(
        "装修合同纠纷",
        "not accepted: it is before a court, and the citizen is told where to turn",
        {
            "channel": "app", "name": "韩先生", "phone": "13800000015",
            "text": "装修公司不退款，我已经起诉，希望热线催法院快点判。", "category": "complaint",
        },
        _lawsuit,
        Expected("received rejected closed:rejected", texts="received rejected"),
    ),
    Story(
        "医保报销流程咨询",
        "answered at once",
        {
            "channel": "alipay", "name": "杨女士", "phone": "13800000016",
            "text": "请问异地住院医保报销怎么办理？", "category": "consultation",
        },
        _insurance,
        Expected("received answered closed:answered", texts="received answered"),
    ),
    Story(
        "夜间施工噪声纠纷",
        "110 refuses it as no police matter; the city management hotline takes it over and the citizen is told",
        {
            "channel": "phone", "name": "秦先生", "phone": "13800000018", "address": "金水区杜岭街12号",
            "text": "楼下工地半夜施工，工人和邻居吵起来了。", "category": "help",
        },
        _neighbours,
        Expected(
            "received transfer_requested transfer_refused transfer_requested transfer_acknowledged closed:transferred",
            texts="received transferred",
        ),
    ),
    Story(
        "公交车上遗失物品",
        "taken back by the citizen",
        {
            "channel": "phone", "name": "朱女士", "phone": "13800000017",
            "text": "早上坐公交把书包落在车上了，请公交公司帮忙找一下。", "category": "help", "item": "bus",
        },
        _found,
        Expected("received dispatched signed_in withdrawn closed:withdrawn", texts="received withdrawn"),
    ),
]  # fmt: skip
