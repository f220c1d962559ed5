"""The GraphQL document about a form's issue, in all its shapes."""

from __future__ import annotations

from gh_store_action.gateway.queries import FRAGMENTS, lock_again, unlock


def form(*, note: str = "", close: bool = False, update: bool = False, lock: str | None = None) -> str:
    """One request about a form's issue.

    Args:
        note: `new` for a comment on it, `edit` for another text of one, empty for none.
        update: whether its answers are posted to an object, which is read back; `lock` as for `write`, of the object.
    """
    names = ["$form: ID!"] if close or note == "new" else []
    steps: list[str] = []
    if note:
        names += ["$said: String!", *(["$note: ID!"] if note == "edit" else [])]
        made = "addComment(input: { subjectId: $form" if note == "new" else "updateIssueComment(input: { id: $note"
        steps.append(f"note: {made}, body: $said }}) {{ clientMutationId }}")
    if update:
        names += ["$issue: ID!", "$text: String!", "$cursor: String"]
        say = "say: addComment(input: { subjectId: $issue, body: $text }) { commentEdge { node { fullDatabaseId } } }"
        steps += [say] if lock is None else [unlock(), say, lock_again(lock)]
        steps.append("check: updateIssue(input: { id: $issue }) { issue { ...Head ...Log } }")
    if close:
        steps.append("close: updateIssue(input: { id: $form, state: CLOSED }) { clientMutationId }")
    return f"mutation Form({', '.join(names)}) {{\n  " + "\n  ".join(steps) + "\n}\n" + FRAGMENTS * update
