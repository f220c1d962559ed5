"""The GraphQL documents.  Every one is checked against GitHub's published schema by a test.

Costs, by GitHub's formula (one point for every hundred connection requests, at least one): a read with a hundred
comments asks one `reactions` connection for each, so it costs one point; a sweep page of a hundred issues costs seven.
"""

from __future__ import annotations

_ACTOR = "{ __typename login }"

_COMMENTS = f"""
  totalCount
  pageInfo {{ hasPreviousPage startCursor }}
  nodes {{
    id
    fullDatabaseId
    body
    createdAt
    lastEditedAt
    authorAssociation
    author {_ACTOR}
    editor {_ACTOR}
    reactionGroups {{ content viewerHasReacted }}
    reactions(first: 100) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ content user {{ login }} }} }}
  }}
"""

_HEAD = f"""
  id
  number
  title
  body
  closed
  locked
  createdAt
  updatedAt
  lastEditedAt
  authorAssociation
  author {_ACTOR}
  editor {_ACTOR}
  labels(first: 100) {{ nodes {{ name }} }}
  timelineItems(itemTypes: [RENAMED_TITLE_EVENT], last: 1) {{
    nodes {{ ... on RenamedTitleEvent {{ actor {_ACTOR} }} }}
  }}
"""

FRAGMENTS = f"""
fragment Head on Issue {{ {_HEAD} }}
fragment Log on Issue {{
  userContentEdits(first: 5) {{ nodes {{ editedAt editor {_ACTOR} }} }}
  comments(last: 100, before: $cursor) {{ {_COMMENTS} }}
}}
"""

# The store's rules: one file, and the schemas in a folder beside it, on the default branch.
_RULES = """
fragment Rules on Repository {
  isEmpty
  hasIssuesEnabled
  defaultBranchRef { name }
  config: object(expression: "HEAD:.github/gh-store.yml") { ... on Blob { text isTruncated isBinary byteSize } }
  schemas: object(expression: "HEAD:.github/gh-store") {
    ... on Tree { entries { name object { ... on Blob { text isTruncated isBinary byteSize } } } }
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
    + _RULES
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
    + _RULES
)

REACTIONS = """
query Reactions($id: ID!, $cursor: String) {
  node(id: $id) {
    ... on IssueComment {
      reactions(first: 100, after: $cursor) { pageInfo { hasNextPage endCursor } nodes { content user { login } } }
    }
  }
}
"""

# What a sweep has to see of each issue to know that there is nothing to do.
SWEEP = (
    f"""
query Sweep($owner: String!, $name: String!, $labels: [String!], $first: Int!, $after: String, $rules: Boolean!) {{
  viewer {{ login }}
  repository(owner: $owner, name: $name) {{
    nameWithOwner
    ...Rules @include(if: $rules)
    issues(labels: $labels, first: $first, after: $after, orderBy: {{ field: CREATED_AT, direction: ASC }}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        ...Brief
        comments(last: 5) {{
          totalCount
          nodes {{
            id fullDatabaseId body createdAt lastEditedAt authorAssociation author {_ACTOR} editor {_ACTOR}
            reactionGroups {{ content viewerHasReacted }}
            reactions(first: 20) {{ nodes {{ content user {{ login }} }} }}
          }}
        }}
      }}
    }}
  }}
}}
fragment Brief on Issue {{
  id number title closed locked createdAt updatedAt lastEditedAt authorAssociation
  author {_ACTOR}
  editor {_ACTOR}
  labels(first: 100) {{ nodes {{ name }} }}
  timelineItems(itemTypes: [RENAMED_TITLE_EVENT], last: 1) {{
    nodes {{ ... on RenamedTitleEvent {{ actor {_ACTOR} }} }}
  }}
}}
"""
    + _RULES
)

LIST = (
    """
query List(
  $owner: String!, $name: String!, $labels: [String!], $filter: [String!], $first: Int!, $after: String,
  $since: DateTime, $states: [IssueState!], $order: IssueOrder!, $rules: Boolean!
) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    ...Rules @include(if: $rules)
    total: issues(labels: $labels, first: 1) { totalCount }
    issues(
      first: $first, after: $after, states: $states, orderBy: $order, filterBy: { labels: $filter, since: $since }
    ) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...Head comments(last: 1) { totalCount } }
    }
  }
}
fragment Head on Issue { """
    + _HEAD
    + """ }
"""
    + _RULES
)

FIND = (
    """
query Find($owner: String!, $name: String!, $label: String!, $cursor: String, $rules: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    ...Rules @include(if: $rules)
    issues(labels: [$label], first: 5, orderBy: { field: CREATED_AT, direction: ASC }) {
      totalCount
      nodes { ...Head ...Log }
    }
  }
}
"""
    + FRAGMENTS
    + _RULES
)


def write(*, checkpoint: bool, reply: bool, update: bool, close: bool, add: int, remove: int) -> str:
    """The one request of a decision.  Aliases run one after another and fail one by one; the last reads all back.

    Args:
        update: whether title and body are sent.
        close: whether the issue is closed; sent again with the read-back, which then can not see it open.
        add: how many receipts are left, `remove`: how many are taken back.
    """
    names = ["$issue: ID!", "$cursor: String"]
    steps: list[str] = []
    if checkpoint:
        names.append("$checkpoint: String!")
        steps.append("checkpoint: addComment(input: { subjectId: $issue, body: $checkpoint }) { clientMutationId }")
    if reply:
        names.append("$reply: String!")
        steps.append("reply: addComment(input: { subjectId: $issue, body: $reply }) { clientMutationId }")
    state = ", state: CLOSED" if close else ""
    if update:
        names += ["$title: String!", "$body: String!"]
        steps.append(
            f"fold: updateIssue(input: {{ id: $issue, title: $title, body: $body{state} }}) "
            "{ issue { title body } }"
        )
    elif close:
        steps.append("fold: updateIssue(input: { id: $issue, state: CLOSED }) { issue { title } }")
    for kind, mutation, count in (("x", "removeReaction", remove), ("r", "addReaction", add)):
        for place in range(count):
            names += [f"${kind}{place}: ID!", f"${kind}c{place}: ReactionContent!"]
            steps.append(
                f"{kind}{place}: {mutation}(input: {{ subjectId: ${kind}{place}, content: ${kind}c{place} }}) "
                "{ clientMutationId }"
            )
    steps.append(f"check: updateIssue(input: {{ id: $issue{state} }}) {{ issue {{ ...Head ...Log }} }}")
    return f"mutation Write({', '.join(names)}) {{\n  " + "\n  ".join(steps) + "\n}\n" + FRAGMENTS
