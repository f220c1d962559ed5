"""The GraphQL document about a form's issue, in all its shapes."""

from __future__ import annotations

from gh_store_action.gateway.queries import FRAGMENTS, LABELLED, lock_again, unlock


def form(*, note: str = "", state: str = "", update: bool = False, lock: str | None = None, make: str = "") -> str:
    """One request about a form's issue.

    Args:
        note: `new` for a comment on it, `edit` to edit one, empty for none.
        state: `CLOSED` or `OPEN`; empty to leave it.
        update: whether its answers are posted to an object, which is read back; `lock` as for `write`, of the object.
        make: whether the object that they create gets its marker, with a look at who else has its labels: `said` if
            its initial state is already in the log, `say` to post it first.
    """
    names = ["$form: ID!"] if state or note == "new" else []
    steps: list[str] = []
    if make:
        names += ["$issue: ID!", "$title: String!", "$cursor: String", *(["$text: String!"] if make == "say" else [])]
        say = "say: addComment(input: { subjectId: $issue, body: $text }) { clientMutationId }"
        steps += [
            *([say] if make == "say" else []),
            "fold: updateIssue(input: { id: $issue, title: $title, state: CLOSED }) { issue { title } }",
            "check: updateIssue(input: { id: $issue, state: CLOSED }) { issue { ...Head ...Log " + LABELLED + " } }",
        ]
    if note:
        names += ["$said: String!", *(["$note: ID!"] if note == "edit" else [])]
        made = "addComment(input: { subjectId: $form" if note == "new" else "updateIssueComment(input: { id: $note"
        steps.append(f"note: {made}, body: $said }}) {{ clientMutationId }}")
    if update:
        names += ["$issue: ID!", "$text: String!", "$cursor: String"]
        say = "say: addComment(input: { subjectId: $issue, body: $text }) { commentEdge { node { fullDatabaseId } } }"
        steps += [say] if lock is None else [unlock(), say, lock_again(lock)]
        steps.append("check: updateIssue(input: { id: $issue }) { issue { ...Head ...Log } }")
    if state:
        steps.append(f"close: updateIssue(input: {{ id: $form, state: {state} }}) {{ clientMutationId }}")
    return (
        f"mutation Form({', '.join(names)}) {{\n  " + "\n  ".join(steps) + "\n}\n" + FRAGMENTS * (update or bool(make))
    )
