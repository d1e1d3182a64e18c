"""The field's words in Chinese, as citizens and staff read them."""

from domain.events import EventKind, Outcome, Status
from domain.roles import Role
from domain.rulebook import Action, ClockName

ROLE = {
    Role.CITIZEN: "诉求人",
    Role.AGENT: "话务员",
    Role.DISPATCHER: "派单员",
    Role.UNIT: "承办单位",
    Role.GRID: "网格员",
    Role.CALLBACK: "回访员",
    Role.SUPERVISOR: "督办员",
    Role.INSPECTOR: "纪检监察",
    Role.ADMIN: "管理员",
    Role.INTEGRATION: "对接平台",
    Role.SYSTEM: "系统",
}

STATUS = {
    Status.RECEIVED: "已受理待派单",
    Status.DISPATCHED: "已派单待签收",
    Status.RETURNED: "已退单待改派",
    Status.TRANSFERRING: "转接中待确认",
    Status.HANDLING: "办理中",
    Status.SUSPENDED: "已挂账",
    Status.CALLBACK: "已反馈待回访",
    Status.CLOSED: "已办结",
}

OUTCOME = {
    Outcome.REJECTED: "不予受理",
    Outcome.ANSWERED: "直接答复",
    Outcome.TRANSFERRED: "已转其他平台",
    Outcome.RESOLVED: "已解决",
    Outcome.UNRESOLVED: "未解决",
    Outcome.UNREACHABLE: "回访未接通",
    Outcome.WITHDRAWN: "诉求人撤回",
    Outcome.DECIDED: "核准办结",
    Outcome.RECOVERED: "监测恢复正常",
}

CLOCK = {
    ClockName.DISPATCH: "派单时限",
    ClockName.SIGN_IN: "签收时限",
    ClockName.HANDLING: "办理时限",
    ClockName.OPINION: "初步意见时限",
    ClockName.PROGRESS: "每日进度时限",
    ClockName.CALLBACK: "回访时限",
    ClockName.DECISION: "审核时限",
    ClockName.SUSPENSION: "挂账到期",
    ClockName.ACKNOWLEDGEMENT: "转接确认时限",
}

ACTION = {
    Action.REMIND: "提醒",
    Action.YELLOW: "黄牌预警",
    Action.RED: "红牌超时",
    Action.SUPERVISION_ORDER: "印发督办单",
    Action.JOINT_MEETING: "专题协调",
    Action.CIRCULAR: "通报",
    Action.INTERVIEW: "约谈提醒",
    Action.GOVERNMENT_INSPECTION: "政府督查",
    Action.DISCIPLINE_REFERRAL: "推送纪检监察",
}

EVENT = {
    EventKind.RECEIVED: "受理",
    EventKind.REJECTED: "不予受理",
    EventKind.ANSWERED: "直接答复",
    EventKind.TRANSFERRED: "转其他平台",
    EventKind.TRANSFER_REQUESTED: "发起转接",
    EventKind.TRANSFER_ACKNOWLEDGED: "对方接收转接",
    EventKind.TRANSFER_REFUSED: "对方退回转接",
    EventKind.DISPATCHED: "派单",
    EventKind.REDISPATCHED: "重新派单",
    EventKind.SIGNED_IN: "签收",
    EventKind.RETURN_REQUESTED: "申请退单",
    EventKind.RETURN_ACCEPTED: "同意退单",
    EventKind.RETURN_REFUSED: "驳回退单",
    EventKind.OPINION_GIVEN: "初步意见",
    EventKind.PROGRESS_REPORTED: "反馈进度",
    EventKind.EXTENSION_REQUESTED: "申请延期",
    EventKind.EXTENSION_GRANTED: "同意延期",
    EventKind.EXTENSION_REFUSED: "驳回延期",
    EventKind.SUSPENSION_REQUESTED: "申请挂账",
    EventKind.SUSPENSION_GRANTED: "同意挂账",
    EventKind.SUSPENSION_REFUSED: "驳回挂账",
    EventKind.RESUMED: "恢复办理",
    EventKind.VISITED: "上门",
    EventKind.RESULT_SUBMITTED: "反馈结果",
    EventKind.GRID_SIGNED_IN: "网格签收",
    EventKind.GRID_REPORTED: "网格上报情况",
    EventKind.GRID_RESOLVED: "网格现场办结",
    EventKind.GRID_ESCALATED: "网格上报转单",
    EventKind.GRID_ASSIGNED: "指定网格",
    EventKind.CALLED_BACK: "回访",
    EventKind.RATED: "诉求人评价",
    EventKind.REWORK_ORDERED: "退回重办",
    EventKind.SUPPLEMENTED: "补充诉求",
    EventKind.HURRIED: "催办",
    EventKind.WITHDRAWN: "撤回",
    EventKind.RECOVERED: "监测恢复正常",
    EventKind.RECLASSIFIED: "变更类别",
    EventKind.CALENDAR_CHANGED: "工作日安排更新",
    EventKind.DEADLINE_MOVED: "时限调整",
    EventKind.ESCALATED: "升级",
    EventKind.EFFECT_FAILED: "送达失败",
    EventKind.RESENT: "重新下发",
    EventKind.CLOSED: "办结",
}

COMMITMENT = {"met": "已兑现", "missed": "未兑现", "running": "进行中", "dropped": "已终止"}

REQUEST = {"return": "退单", "extension": "延期", "suspension": "挂账"}

RATING = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}

CHANNEL = {
    "phone": "电话",
    "wechat": "微信",
    "alipay": "支付宝",
    "app": "手机应用",
    "web": "网站",
    "mayor_mailbox": "市长信箱",
    "message_board": "留言板",
    "snapshot": "随手拍",
    "110": "110",
    "119": "119",
    "120": "120",
    "hotline": "其他政务热线",
    "province": "省级平台",
    "grid": "网格",
    "sensor": "传感器（未诉先办）",
    "open311": "Open311",
}

MARK = {"no_contact": "无有效联系方式", "no_location": "无有效地点", "unclassified": "未分类", "no_grid": "未匹配网格"}

VULNERABLE = {"alone": "独居", "elderly": "老年人", "disabled": "残疾人"}

SENDING = {
    "held": "待发送",
    "sending": "发送中",
    "sent": "已发送",
    "failed": "发送失败",
    "dropped": "已办结，不再发送",
    "listed": "在系统中查看",
    "delivered": "已送达",
    "undelivered": "未送达",
}

UNTOLD = {
    "unreachable": "系统不通",
    "no_endpoint": "未配置系统地址",
    "no_secret": "未配置密钥",
    "no_service": "对方系统无此服务",
    "unknown_unit": "没有该单位",
    "unknown_partner": "没有该平台",
}
"""Why somebody could not be told."""

READ = {
    "case": "工单",
    "timeline": "办理经过",
    "search": "检索",
    "record": "全程档案",
    "attachment": "附件",
    "findings": "督查意见",
    "erased": "清除个人信息",
}
