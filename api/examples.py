"""Examples of what is sent for each step, shown in the API's documentation."""

from typing import Any

STEP_EXAMPLES: dict[str, dict[str, Any]] = {
    "reject": {"ground": "litigation", "text": "诉求人称该纠纷法院已立案。"},
    "answer": {"text": "医保报销请携带身份证、发票和病历到就近的医保服务窗口办理，也可在线上申请。"},
    "transfer": {"to": "110", "text": "来电反映有人打架，已三方通话转接。"},
    "dispatch": {"lead": "zz-water", "assisting": []},
    "redispatch": {"lead": "zz-shizheng", "assisting": ["zz-water"], "text": "经核实井盖属市政管养。"},
    "reclassify": {"category": "complaint", "text": "诉求人要求按投诉处理。"},
    "sign-in": {},
    "request-return": {"text": "该路段不在本单位管养范围，建议派发市政养护单位。"},
    "decide-return": {"accepted": True, "text": "情况属实，同意退单。"},
    "give-opinion": {"text": "已确认为主管爆裂，抢修队到场，预计今晚恢复供水。"},
    "report-progress": {"text": "管道已更换，正在冲洗。"},
    "request-extension": {"text": "需更换进口配件，预计一周到货。", "limit": "5wd"},
    "decide-extension": {"granted": True, "text": "理由充分，同意延期。"},
    "request-suspension": {"until": "2027-03-15", "text": "供暖期结束后方可改造管网。"},
    "decide-suspension": {"granted": True, "text": "同意挂账。"},
    "resume": {"text": "改造条件已具备。"},
    "submit-result": {"text": "入户检查发现室内阀门未完全开启，打开后水压恢复正常，已向诉求人说明。"},
    "grid-sign-in": {},
    "grid-report": {"text": "已上门查看，老人独自在家，室温14度，已请热力专管员到场。"},
    "grid-resolve": {"text": "入户检查为室内阀门未开，已帮助打开，水压恢复正常。"},
    "grid-escalate": {"text": "涉及多个楼院，需街道协调。"},
    "assign-grid": {"grid": "zz-g-badonglou", "text": "经电话核实，诉求人住八栋楼社区。"},
    "call-back": {"reached": True, "rating": 5, "solved": True, "contacted": True},
    "rate": {"rating": 2, "solved": False, "contacted": True, "text": "只来看了看，没有修。"},
    "supplement": {"text": "楼上邻居家也没有水了。"},
    "hurry": {"text": "已经三天了，请尽快处理。"},
    "withdraw": {"text": "问题已自行解决。"},
    "close": {"text": "与另一工单重复，合并办理。"},
}
