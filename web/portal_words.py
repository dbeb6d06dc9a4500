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
    "审核": ("正在审核", "申请依次经过初审、复审和审批，三个环节由不同的人办理。"),
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
    "withdrawn": ("", "您已撤回申请。需要时可以重新申请，原来填写的内容不再保留。"),
}


def headline(case: CaseView) -> Headline:
    """What stands at the head of the page."""
    if case.state == "closed":
        tone, what = OUTCOMES.get(case.outcome, ("", "办理已结束，结果见下方文书和办理经过。"))
        return Headline(case.outcome_title or "已办结", what, tone)
    if case.asked:
        asked = case.asked[0]
        return Headline(f"请您{asked.name}", "需要您的配合才能继续办理，具体要求如下。", "warn")
    if case.notice_state == "paused":
        return Headline(*HELD, "warn")
    plain = (f"正在{case.stage}" if case.stage else "正在办理", "有进展会通知您。")
    title, what = STOPS.get(case.stopped_for) or STAGES.get(case.stage, plain)
    return Headline(title, what, "info")
