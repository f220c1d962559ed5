"""The GraphQL documents.  A test checks each against GitHub's published schema.

Costs, by GitHub's formula (one point for every hundred connection requests, at least one): a read with a hundred
comments asks for one `reactions` connection each, so it costs one point.  A page of a hundred issues, whose documents
are in `reading/queries.py`, costs one point per connection of an issue.  `tests/integration/test_request_counts.py`
has the cost of each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Required, TypedDict, Unpack

ACTOR = "{ __typename login }"

# Who set which title: the newest, as far back as trust reads, and the first ones (docs/design.md, Trust).
RENAME = f"... on RenamedTitleEvent {{ createdAt currentTitle previousTitle actor {ACTOR} }}"
NEWEST_TITLES = (
    f"renames: timelineItems(itemTypes: [RENAMED_TITLE_EVENT], last: 20) {{ pageCount nodes {{ {RENAME} }} }}"
)
FIRST_TITLES = (
    f"firstRenames: timelineItems(itemTypes: [RENAMED_TITLE_EVENT], first: 5) {{ pageCount nodes {{ {RENAME} }} }}"
)
RENAMES = f"{NEWEST_TITLES} {FIRST_TITLES}"

COMMENTS = f"""
  totalCount
  pageInfo {{ hasPreviousPage startCursor }}
  nodes {{
    id
    fullDatabaseId
    body
    createdAt
    lastEditedAt
    author {ACTOR}
    editor {ACTOR}
    reactionGroups {{ content viewerHasReacted }}
    reactions(first: 100) {{
      totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ content createdAt user {{ login }} }}
    }}
  }}
"""

FACTS = f"""
  id
  number
  url
  title
  body
  closed
  locked
  activeLockReason
  createdAt
  updatedAt
  lastEditedAt
  author {ACTOR}
  editor {ACTOR}
  labels(first: 100) {{ totalCount nodes {{ name }} }}
"""

HEAD = f"""
  {FACTS}
  {RENAMES}
"""


def _fragments(comments: str) -> str:
    return f"""
fragment Head on Issue {{ {HEAD} }}
fragment Log on Issue {{
  userContentEdits(first: 5) {{ totalCount nodes {{ editedAt editor {ACTOR} }} }}
  comments({comments}) {{ {COMMENTS} }}
}}
"""


FRAGMENTS = _fragments("last: 100, before: $cursor")
# Reading many issues, fewer comments each: usually enough for pending updates and their idempotency keys.
SHORT_FRAGMENTS = _fragments("last: 60")

# What the token's owner may do here, and the store's rules on the default branch: one file, the schemas in a folder
# next to it, and the issue forms.
RULES_FRAGMENT = """
fragment Rules on Repository {
  viewerPermission
  isEmpty
  hasIssuesEnabled
  defaultBranchRef { name }
  config: object(expression: "HEAD:.github/gh-store.yml") { ... on Blob { text isTruncated isBinary byteSize } }
  schemas: object(expression: "HEAD:.github/gh-store") {
    ... on Tree { entries { name object { ... on Blob { text isTruncated isBinary byteSize } } } }
  }
  forms: object(expression: "HEAD:.github/ISSUE_TEMPLATE") {
    ... on Tree { entries { name object { ... on Blob { text isTruncated isBinary } } } }
  }
}
"""

RULES = (
    """
query Rules($owner: String!, $name: String!) {
  viewer { login }
  repository(owner: $owner, name: $name) { nameWithOwner ...Rules }
}
"""
    + RULES_FRAGMENT
)

READ = (
    """
query Read($owner: String!, $name: String!, $number: Int!, $cursor: String, $rules: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    ...Rules @include(if: $rules)
    issue(number: $number) { ...Head ...Log }
  }
}
"""
    + FRAGMENTS
    + RULES_FRAGMENT
)

REACTIONS = """
query Reactions($id: ID!, $cursor: String) {
  node(id: $id) {
    ... on IssueComment {
      reactions(first: 100, after: $cursor) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { content createdAt user { login } }
      }
    }
  }
}
"""

# Usually one issue has the label, and the cost is its log with the reactions; the others are only reported.
FIND = (
    """
query Find($owner: String!, $name: String!, $label: String!, $cursor: String, $rules: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    ...Rules @include(if: $rules)
    oldest: issues(labels: [$label], first: 1, orderBy: { field: CREATED_AT, direction: ASC }) {
      totalCount
      nodes { ...Head ...Log }
    }
    all: issues(labels: [$label], first: 5, orderBy: { field: CREATED_AT, direction: ASC }) {
      totalCount
      nodes { ...Head comments(last: 1) { totalCount } }
    }
  }
}
"""
    + FRAGMENTS
    + RULES_FRAGMENT
)

# -- files committed ---------------------------------------------------------------------------------------------------

# A folder's files may be one folder deeper; entries are a plain list and cost no points.


def tip(above: int) -> str:
    """A branch's tip, and what it has at a path; `above`: how many folders are above that, `$above0`, `$above1`, ..."""
    names = "".join(f", $above{level}: String!" for level in range(above))
    folders = "".join(f"  above{level}: file(path: $above{level}) {{ type }}\n" for level in range(above))
    return f"query Tip({_TIP_NAMES}{names}) {_TIP}fragment Files on Commit {{{_FILES}{folders}}}\n"


_TIP_NAMES = """
  $owner: String!, $name: String!, $branch: String!, $named: Boolean!, $path: String!, $both: Boolean!, $beside: String!
"""
_TIP = """{
  repository(owner: $owner, name: $name) {
    nameWithOwner
    id
    isEmpty
    defaultBranchRef { name target { oid ...Files @skip(if: $named) } }
    ref(qualifiedName: $branch) @include(if: $named) { name target { oid ...Files } }
  }
}
fragment Inner on Tree { entries { name type oid object { ...Shard } } }
fragment Shard on Tree { entries { name type oid object { ... on Tree { entries { name type oid } } } } }
"""
_FILES = """
  parents(first: 1) { nodes { oid } }
  file(path: $path) { type oid object { ... on Tree { entries { name type oid object { ...Inner } } } } }
  beside: file(path: $beside) @include(if: $both) { type oid object { ...Inner } }
"""

CREATE_BRANCH = """
mutation CreateBranch($repository: ID!, $name: String!, $oid: GitObjectID!) {
  createRef(input: { repositoryId: $repository, name: $name, oid: $oid }) { ref { name } }
}
"""

# GitHub signs it; the author is the token's owner (schema, CreateCommitOnBranchInput).
COMMIT = """
mutation Commit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}
"""

# The newest commits of a branch, to be made again without those before them.
NEWEST_COMMITS = """
query NewestCommits($owner: String!, $name: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    nameWithOwner
    id
    ref(qualifiedName: $branch) { target { ... on Commit { history(first: 100) { nodes { ...Whole } } } } }
  }
}
fragment Whole on Commit {
  oid message tree { oid } parents(first: 1) { nodes { oid } }
  author { name email date } committer { name email date }
}
"""

# In the place of that very tip (schema, RefUpdate); REST compares none.
REPLACE_TIP = """
mutation ReplaceTip($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }
"""

# -- creating an object, posting to it, giving it up -------------------------------------------------------------------

# Issues are found by label, and that index may lag behind; the list of all issues may lag less.
SAY = """
mutation Say($issue: ID!, $text: String!) {
  say: addComment(input: { subjectId: $issue, body: $text }) {
    commentEdge { node { id fullDatabaseId } }
    subject { ... on Issue { comments(first: 1) { totalCount } } }
  }
}
"""

LABELLED = """labelled: labels(first: 30) {
        totalCount
        nodes {
          id
          name
          issues(first: 5, orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes { number } }
        }
      }"""

# Receipts first, because the title completes a create; last, who else has the labels.
FINISH = (
    """
mutation Finish(
  $issue: ID!, $state: ID!, $processed: ReactionContent!, $initial: ReactionContent!, $title: String!, $cursor: String
) {
  processed: addReaction(input: { subjectId: $state, content: $processed }) { clientMutationId }
  initial: addReaction(input: { subjectId: $state, content: $initial }) { clientMutationId }
  fold: updateIssue(input: { id: $issue, title: $title, state: CLOSED }) { issue { title } }
  check: updateIssue(input: { id: $issue, state: CLOSED }) {
    issue {
      ...Head
      ...Log
      """
    + LABELLED
    + """
    }
  }
}
"""
    + FRAGMENTS
)

# A reason counts only if the state changes, so this opens the issue first; by then its labels are gone.
GIVE_UP = """
mutation GiveUp($issue: ID!, $labels: [ID!]!, $title: String!) {
  off: removeLabelsFromLabelable(input: { labelableId: $issue, labelIds: $labels }) { clientMutationId }
  open: updateIssue(input: { id: $issue, title: $title, state: OPEN }) { clientMutationId }
  close: closeIssue(input: { issueId: $issue, stateReason: NOT_PLANNED }) { clientMutationId }
}
"""

POST = (
    """
mutation Post($issue: ID!, $text: String!, $cursor: String) {
  say: addComment(input: { subjectId: $issue, body: $text }) { commentEdge { node { fullDatabaseId } } }
  open: updateIssue(input: { id: $issue, state: OPEN }) { issue { ...Head ...Log } }
}
"""
    + FRAGMENTS
)

# To be folded immediately: opening the issue would start a workflow run that finds nothing to do.
POST_TO_FOLD = (
    """
mutation PostToFold($issue: ID!, $text: String!, $cursor: String) {
  say: addComment(input: { subjectId: $issue, body: $text }) { commentEdge { node { fullDatabaseId } } }
  check: updateIssue(input: { id: $issue }) { issue { ...Head ...Log } }
}
"""
    + FRAGMENTS
)


def unlock(prefix: str = "") -> str:
    return f"{prefix}unlock: unlockLockable(input: {{ lockableId: ${prefix}issue }}) {{ clientMutationId }}"


def lock_again(reason: str, prefix: str = "") -> str:
    given = f", lockReason: {reason}" if reason else ""
    return f"{prefix}lock: lockLockable(input: {{ lockableId: ${prefix}issue{given} }}) {{ clientMutationId }}"


LOCK = f"mutation Lock($issue: ID!) {{ {lock_again('')} }}"


class Shape(TypedDict, total=False):
    """What a write does to an issue.

    Args:
        lock: the reason of a lock to remove first and set again, empty for no reason; None without a lock.
        update: whether title and body are sent.
        close: whether the issue is closed; sent again with the read-back, which then cannot see it open.
        add: how many receipts are added; `remove`: how many are removed.
        beside: whether another issue is closed, too.
    """

    checkpoint: Required[bool]
    reply: Required[bool]
    update: Required[bool]
    close: Required[bool]
    add: Required[int]
    remove: Required[int]
    lock: str | None
    beside: bool


def write(**shape: Unpack[Shape]) -> str:
    """The request of a decision.  Aliases run one after another and fail one by one; the last reads everything back."""
    names, steps = _steps("", shape)
    return f"mutation Write({', '.join([*names, '$cursor: String'])}) {{\n  " + "\n  ".join(steps) + "\n}\n" + FRAGMENTS


def write_all(shapes: Sequence[Shape]) -> str:
    """The same for several issues, one after another: the aliases and variables of each begin with `o0_`, `o1_`, ..."""
    parts = [_steps(f"o{place}_", shape) for place, shape in enumerate(shapes)]
    names = ", ".join(name for given, _ in parts for name in given)
    steps = "\n  ".join(step for _, given in parts for step in given)
    return f"mutation Write({names}) {{\n  {steps}\n}}\n{SHORT_FRAGMENTS}"


def _steps(o: str, shape: Shape) -> tuple[list[str], list[str]]:
    """The variables and the aliases of one issue's part, both with that prefix."""
    names = [f"${o}issue: ID!"]
    steps: list[str] = []
    lock = shape.get("lock")
    if lock is not None:
        steps.append(unlock(o))
    for kind in ("checkpoint", "reply"):
        if shape[kind]:
            names.append(f"${o}{kind}: String!")
            steps.append(
                f"{o}{kind}: addComment(input: {{ subjectId: ${o}issue, body: ${o}{kind} }}) {{ clientMutationId }}"
            )
    state = ", state: CLOSED" if shape["close"] else ""
    if shape["update"]:
        names += [f"${o}title: String!", f"${o}body: String!"]
        steps.append(
            f"{o}fold: updateIssue(input: {{ id: ${o}issue, title: ${o}title, body: ${o}body{state} }}) "
            "{ issue { title body } }"
        )
    elif shape["close"]:
        steps.append(f"{o}fold: updateIssue(input: {{ id: ${o}issue, state: CLOSED }}) {{ issue {{ title }} }}")
    if shape.get("beside"):
        names.append(f"${o}beside: ID!")
        steps.append(f"{o}beside: updateIssue(input: {{ id: ${o}beside, state: CLOSED }}) {{ clientMutationId }}")
    for kind, mutation, count in (("x", "removeReaction", shape["remove"]), ("r", "addReaction", shape["add"])):
        for place in range(count):
            names += [f"${o}{kind}{place}: ID!", f"${o}{kind}c{place}: ReactionContent!"]
            steps.append(
                f"{o}{kind}{place}: {mutation}(input: {{ subjectId: ${o}{kind}{place}, content: ${o}{kind}c{place} }}) "
                "{ clientMutationId }"
            )
    if lock is not None:
        steps.append(lock_again(lock, o))
    steps.append(f"{o}check: updateIssue(input: {{ id: ${o}issue{state} }}) {{ issue {{ ...Head ...Log }} }}")
    return names, steps
