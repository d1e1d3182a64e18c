"""Every reason for which a step is refused: a code for programs, a sentence in English and in Chinese for people."""

REFUSALS: dict[str, tuple[str, str]] = {
    "case_closed": (
        "The case was closed on {on} ({outcome}); nothing more can happen to it.",
        "工单已于{on}办结（{outcome_zh}），不能再操作。",
    ),
    "not_in_this_stage": (
        "This step is for a case that is {wanted}; this one is {status}.",
        "该操作适用于“{wanted_zh}”的工单，本工单当前为“{status_zh}”。",
    ),
    "being_transferred": (
        "Transferred to {to} on {on}, which has not answered yet; acknowledge-transfer or refuse-transfer comes first.",
        "已于{on}转接{to_zh}，对方尚未确认；请先登记对方接收或退回。",
    ),
    "not_your_transfer": (
        "This case is not being transferred to this partner.",
        "本工单未转接至贵平台。",
    ),
    "unknown_ground": (
        "This is not one of the grounds for not accepting a request: {known}.",
        "这不是规定的不予受理情形。",
    ),
    "unknown_category": (
        "This is not a category of this city's rulebook: {known}.",
        "本市规则中没有该诉求类别。",
    ),
    "already_dispatched": (
        "Already dispatched to {unit} on {on}; to send it elsewhere, redispatch it with a reason.",
        "已于{on}派发至{unit_zh}；如需改派请使用重新派单并说明理由。",
    ),
    "nothing_to_resend": (
        "No order that a unit's system refused waits to be sent again.",
        "没有被承办单位系统拒收、需要重新下发的派单。",
    ),
    "same_unit_twice": (
        "{unit} is named more than once; a unit is either lead or assisting.",
        "承办单位{unit_zh}重复，主办与协办不能相同。",
    ),
    "not_your_case": (
        "This case is not with {unit}.",
        "本工单未派发至贵单位。",
    ),
    "not_the_lead": (
        "Only the lead unit, {lead}, may take this step; assisting units report progress.",
        "该操作由主办单位{lead_zh}进行，协办单位请反馈办理进度。",
    ),
    "already_signed_in": (
        "{unit} already signed in on {on}.",
        "{unit_zh}已于{on}签收。",
    ),
    "not_signed_in": (
        "{unit} has not signed in yet; sign in first.",
        "{unit_zh}尚未签收，请先签收。",
    ),
    "not_your_grid": (
        "This case is not with your grid.",
        "本工单不由贵网格办理。",
    ),
    "unit_at_work": (
        "{unit} signed in on {on} and submits the result; report what was done.",
        "{unit_zh}已于{on}签收并负责反馈结果，请上报现场情况。",
    ),
    "unit_to_rework": (
        "The citizen was not content, and {unit} handles it now; report what was done.",
        "诉求人不满意，已由{unit_zh}重新办理，请上报现场情况。",
    ),
    "no_grid_above": (
        "There is no grid above {grid}; report with grid-report what you found, the unit or the hotline goes on.",
        "{grid_zh}没有上级网格；请用“上报情况”写明现场情况，由承办单位或热线继续处理。",
    ),
    "return_after_sign_in": (
        "{unit} already signed in on {on}; a return is asked before sign-in.",
        "{unit_zh}已于{on}签收，退单须在签收前提出。",
    ),
    "return_after_arbitration": (
        "The hotline decided on {on} who is responsible; after arbitration there is no second return.",
        "热线已于{on}裁定承办单位，裁定后不得再次退单。",
    ),
    "return_window_over": (
        "Asked after the return window passed on {on}; the unit is responsible as first receiver.",
        "退单期限已于{on}届满，按首接负责办理。",
    ),
    "request_pending": (
        "The {request} asked on {on} still waits for the hotline's decision.",
        "已于{on}提出的{request_zh}申请尚待审核。",
    ),
    "nothing_to_decide": (
        "There is no {request} request to decide.",
        "没有待审核的{request_zh}申请。",
    ),
    "extension_used": (
        "The extension was used on {on}; an order is extended once at most.",
        "已于{on}延期，每件工单只能延期一次。",
    ),
    "extension_refused_before": (
        "An extension was asked and refused on {on}; it is asked once at most.",
        "延期申请已于{on}被驳回，每件工单只能申请一次。",
    ),
    "limit_passed": (
        "Asked after the limit passed on {on}.",
        "办理时限已于{on}届满，逾期申请不予受理。",
    ),
    "extension_too_long": (
        "An extension is at most the original limit again ({most}); {asked} was given.",
        "延期不得超过原办理时限（{most_zh}），申请为{asked_zh}。",
    ),
    "suspension_date": (
        "A suspension ends after today and at most {days} days from now; {until} is outside.",
        "挂账截止日期须晚于当日且不超过{days}天，{until}不符合。",
    ),
    "not_an_outage": (
        "A preliminary opinion is asked for in a large outage only; report progress instead.",
        "仅大面积停供等应急诉求需反馈初步意见，请反馈办理进度。",
    ),
    "opinion_given": (
        "The preliminary opinion was given on {on}.",
        "初步办理意见已于{on}反馈。",
    ),
    "rating_incomplete": (
        "A citizen who was reached gives a rating of 1 to 5, solved and contacted; {missing} is missing.",
        "已接通的回访须填写五级评价、是否解决、是否联系，缺少{missing_zh}。",
    ),
    "rating_unreached": (
        "A citizen who was not reached cannot have rated; leave out rating, solved and contacted.",
        "未接通的回访不得填写评价。",
    ),
    "category_fixed": (
        "The extension was granted on {on}; the category can no longer change.",
        "已于{on}准予延期，诉求类别不能再变更。",
    ),
    "nothing_changes": (
        "The case already is as asked; nothing changes.",
        "内容与现状相同，无需变更。",
    ),
}
"""Code → (English, Chinese). Placeholders are codes and dates, never words a caller typed: they may be personal."""


class Refused(Exception):
    """A step the case does not allow. Nothing has changed; code and sentences say which rule stands against it."""

    def __init__(self, code: str, **facts: object) -> None:
        english, chinese = REFUSALS[code]
        self.code = code
        self.facts = facts
        self.message = english.format(**facts)
        self.message_zh = chinese.format(**facts)
        super().__init__(self.message)
