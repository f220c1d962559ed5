"""The GraphQL documents that read many issues at a time."""

from __future__ import annotations

from gh_store_action.gateway.queries import (
    ACTOR,
    FACTS,
    FIRST_TITLES,
    HEAD,
    NEWEST_TITLES,
    RENAME,
    RULES_FRAGMENT,
    SHORT_FRAGMENTS,
)

_BRIEF = f"""
fragment Brief on Issue {{
  id number url title body closed locked createdAt updatedAt lastEditedAt
  author {ACTOR}
  editor {ACTOR}
  {NEWEST_TITLES}
}}
fragment Newest on IssueComment {{
  id fullDatabaseId body createdAt lastEditedAt author {ACTOR} editor {ACTOR}
  reactionGroups {{ content viewerHasReacted }}
}}
"""

# What a sweep reads of each issue to know that nothing is to be done: two connections, so a page costs two points.
SWEEP = (
    """
query Sweep(
  $owner: String!, $name: String!, $labels: [String!], $states: [IssueState!], $first: Int!, $after: String,
  $order: IssueOrder!, $rules: Boolean!, $label: String!
) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    ...Rules @include(if: $rules)
    label(name: $label) { name }
    issues(labels: $labels, states: $states, first: $first, after: $after, orderBy: $order) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        ...Brief
        comments(last: 5) { totalCount nodes { ...Newest } }
      }
    }
  }
}
"""
    + _BRIEF
    + RULES_FRAGMENT
)

# The same issues with their labels and everyone's reactions, if the page alone does not tell.
LOOK = (
    f"""
query Look($ids: [ID!]!) {{
  viewer {{ login }}
  nodes(ids: $ids) {{
    ... on Issue {{
      ...Brief
      {FIRST_TITLES}
      labels(first: 100) {{ totalCount nodes {{ name }} }}
      comments(last: 5) {{
        totalCount
        nodes {{ ...Newest reactions(first: 20) {{ totalCount nodes {{ content user {{ login }} }} }} }}
      }}
    }}
  }}
}}
"""
    + _BRIEF
)

# What readers see of each issue: labels, and one timeline of titles and comments, so a page costs two points.  The
# titles show who wrote the object, and when; of comments, the number is enough.
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
      nodes { ...Facts ...Timeline }
    }
  }
}
fragment Facts on Issue { """
    + FACTS
    + """ }
"""
    + f"""
fragment Timeline on Issue {{
  timeline: timelineItems(itemTypes: [RENAMED_TITLE_EVENT, ISSUE_COMMENT], last: 60) {{
    pageCount
    pageInfo {{ hasPreviousPage }}
    nodes {{ __typename {RENAME} }}
  }}
}}
"""
    + RULES_FRAGMENT
)

# Those of such a page whose timeline is longer, as any other read shows an issue; the log begins with a state.
MORE = (
    f"""
query More($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Issue {{
      ...Head
      comments(first: 20) {{ totalCount nodes {{ id fullDatabaseId body createdAt author {ACTOR} }} }}
    }}
  }}
}}
fragment Head on Issue {{ """
    + HEAD
    + """ }
"""
)

# The newest issues, whatever their labels: an index of labels may not show yet what was opened just now.
NEWEST = f"""
query Newest($owner: String!, $name: String!, $first: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    nameWithOwner
    issues(first: $first, after: $after, orderBy: {{ field: CREATED_AT, direction: DESC }}) {{
      totalCount
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        id number title closed createdAt updatedAt
        author {ACTOR}
        labels(first: 100) {{ totalCount nodes {{ name }} }}
        {FIRST_TITLES}
      }}
    }}
  }}
}}
"""

# Issues with their newest comments, to be folded.
AGAIN = (
    """
query Read($ids: [ID!]!) {
  viewer { login }
  nodes(ids: $ids) { ... on Issue { ...Head ...Log } }
}
"""
    + SHORT_FRAGMENTS
)
