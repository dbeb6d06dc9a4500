"""How the state of a case is told to its applicant: one headline, one sentence on what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from engine.queries.portal_case import CaseView


@dataclass(frozen=True)
class Headline:
    """The head of a case's page. ``tone`` as in the design system."""

    title: str
    what: str
    tone: str


# stage → (headline, what comes next); a stage not named here is told by its own name.
STAGES = {
    "申请": ("已提交，等待受理", "窗口会审查您的申请。材料齐全的予以受理；需要补正的，会一次告知全部内容。"),
    "受理": ("等待受理审查", "窗口会审查您的申请。材料齐全的予以受理；需要补正的，会一次告知全部内容。"),
    "核查": ("正在核查", "系统正向公安、不动产登记、税务等部门核对申报情况，不需要您提供材料。"),
    "审核": ("正在审核", "依次经过审核和审批，由不同的人办理。"),
    "提出": ("正在复核", "本机构正在复核已经作出的决定。作出新的决定之前，原决定继续有效。"),
    "告知": ("正在告知", "对您不利的决定作出之前，您可以陈述和申辩。告知书生成后会通知您。"),
    "审批": ("正在审批", "审批后作出决定，结果会告知您。"),
    "公示": ("正在公示", "审核结果向社会公示。公示期满无异议或者异议不成立的，作出决定。"),
    "决定": ("正在作出决定", "正在制作并签发文书，完成后会通知您。"),
}
# why the clock stands → the same, where that says more than the stage
STOPS = {"补件": ("需要补正材料", "补正通知书正在生成，稍后刷新本页即可看到需要补正的内容。")}
HELD = ("公示中止，正在调查异议", "公示期间收到异议，正在调查核实。调查结束后恢复或者终止公示，结果会告知您。")
OUTCOMES = {
    "granted": ("ok", "保障资格已登记并进入轮候。通知书可在下方下载，请按轮候顺序等候通知。"),
    "refused": (
        "bad",
        "理由、依据和救济途径写在通知书中，可在下方下载。不服的，可以依法申请行政复议或者提起行政诉讼。",
    ),
    "not_accepted": ("bad", "不予受理的理由写在通知书中，可在下方下载。情况变化后可以重新申请。"),
    "expired": ("warn", "补正期限已过，申请终止。材料准备齐全后可以重新申请。"),
    "corrected": ("warn", "原文书已更正。更正的内容、理由和救济途径见更正决定书，可在下方下载。"),
    "revoked": ("bad", "原决定已撤销。理由、依据和救济途径见撤销决定书，可在下方下载。"),
    "kept": ("ok", "经复核，原决定维持不变，继续有效。"),
    "withdrawn": ("", "您已撤回申请。需要时可以重新申请，原来填写的内容不再保留。"),
}
# The same, once a later case changed the decision.
CHANGED = {
    "corrected": ("warn", "这个决定的内容已更正，以更正决定书为准。"),
    "revoked": ("bad", "这个决定已撤销，不再有效。理由、依据和救济途径见撤销决定书。"),
}


def headline(case: CaseView) -> Headline:
    """What stands at the head of the page."""
    if case.state == "closed":
        tone, what = OUTCOMES.get(case.outcome, ("", "办理已结束，结果见下方文书和办理经过。"))
        if case.changed is not None:
            tone, what = CHANGED[case.changed.outcome]
            return Headline(f"{case.outcome_title}（{case.changed.title}）", what, tone)
        return Headline(case.outcome_title or "已办结", what, tone)
    if case.state == "suspended":
        return Headline("已挂起", "恢复办理后继续，期间不需要您操作。", "warn")
    if case.asked:
        asked = case.asked[0]
        return Headline(f"请您{asked.name}", "需要您的配合才能继续办理，具体要求如下。", "warn")
    if case.notice_state == "paused":
        return Headline(*HELD, "warn")
    plain = (f"正在{case.stage}" if case.stage else "正在办理", "有进展会通知您。")
    title, what = STOPS.get(case.stopped_for) or STAGES.get(case.stage, plain)
    return Headline(title, what, "info")
