"""Who may write: which rule applies to an object, what to ask about a person, and what the answers mean.

Nothing is asked here.  The caller takes `needs` one after another, asks GitHub, and passes what it knows so far to
`allows`.  The caller also allows the `processors` before looking at any rule, but not the owner of the token.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase, translate

from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.records import GHOST, AccessRule, Rules
from gh_store_action.domain.strict_json import Json

LEVELS = ("none", "read", "triage", "write", "maintain", "admin")  # ascending
ANYONE = "anyone"
LOGIN = "{login}"  # in `match`: the login of whoever writes
SLICE = "$slice"  # in a `$push`: how many items stay
CODEOWNERS_LIMIT = 3 * 1024 * 1024  # bytes; GitHub does not load a larger file: docs, about-code-owners
CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  # in the order in which GitHub looks

_SPECIAL = re.compile(r"[*?\[]")  # what a glob does not take as it is
_OF_LOGIN = r"[a-z0-9_\[\]-]"  # `_` in those of managed users, brackets in a bot's
_OWNER = re.compile(r"@([a-z0-9][a-z0-9_-]*(?:/[a-z0-9_][a-z0-9._-]*)?)", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_WORD = re.compile(r"(?:\\.|[^\s\\])+|\\")  # an escaped space belongs to the pattern


class Question(enum.Enum):
    """A question to GitHub that a rule may depend on."""

    PERMISSION = "permission"
    CODEOWNERS = "codeowners"
    TEAMS = "teams"


def matches(glob: str, object_id: str, login: str = "") -> bool:
    """Whether an object's id matches a glob of the configuration; case does not count.

    Args:
        login: stands for `{login}` in the glob, letter by letter; without one such a glob fits nothing.  Where a `*`
            beside it leaves room for several logins, the longest text is meant, and of two as long none.
    """
    if LOGIN not in glob:
        return fnmatchcase(object_id.lower(), glob.lower())
    own = glob.replace(LOGIN, _SPECIAL.sub(r"[\g<0>]", login))
    fits = bool(login) and fnmatchcase(object_id.lower(), own.lower())
    return fits and not ("*" in glob and _may_be_anothers(glob.lower(), object_id.lower(), login.lower()))


def _may_be_anothers(glob: str, object_id: str, login: str) -> bool:
    """Whether another text, as long as this login or longer, could be the login in the id as well."""
    other = rf"(?:(?!{re.escape(login)}){_OF_LOGIN}{{{len(login)}}}|{_OF_LOGIN}{{{len(login) + 1},}})"
    parts = (translate(part)[len("(?s:") : -len(r")\Z")] for part in glob.split(LOGIN))
    return re.fullmatch(other.join(parts), object_id, re.DOTALL) is not None


def rule_for(rules: Rules, object_id: str, login: str = "") -> AccessRule:
    """The first rule that matches the object and the person; by default, write permission."""
    return next((rule for rule in rules.access if matches(rule.match, object_id, login)), AccessRule())


def standing(permission: str, role_name: str = "") -> str:
    """One of `LEVELS` from an answer of `GET /repos/{owner}/{repo}/collaborators/{login}/permission`.

    The answer's `permission` is admin, write, read or none; it shows maintain as write and triage as read (REST docs,
    "Get repository permissions for a user").  `role_name` distinguishes them; it may also be the name of a custom
    role, for which the base role in `permission` counts.  An unknown answer means none.
    """
    base, role = permission.lower(), role_name.lower()
    if (base, role) in {("write", "maintain"), ("read", "triage")}:
        return role
    return base if base in LEVELS else "none"


def level(permission: str, role_name: str = "") -> int:
    """The rank of a permission: 0 for none up to 5 for admin."""
    return LEVELS.index(standing(permission, role_name))


def needs(rule: AccessRule, login: str) -> tuple[Question, ...]:
    """What to ask about a person, cheapest first; nothing if the rule alone says yes.

    Owners in CODEOWNERS can be teams, so `CODEOWNERS` may make the caller ask for their members, too.
    """
    if _named(rule, login):
        return ()
    asked = (True, Question.PERMISSION), (rule.codeowners, Question.CODEOWNERS), (bool(rule.teams), Question.TEAMS)
    return tuple(ask for wanted, ask in asked if wanted)


def allows(
    rule: AccessRule,
    *,
    login: str,
    permission: str | None = None,
    teams: Collection[str] = (),
    codeowners: Collection[str] = (),
) -> bool:
    """Whether what is known is enough to let the person write.

    Args:
        rule: the object's, see `rule_for`.
        login: of the author or editor.
        permission: one of `LEVELS`, see `standing`; None if not asked.
        teams: `org/team` slugs known to have this person as a member.
        codeowners: the owners of the snapshot's path, see `codeowners_for`.
    """
    if _named(rule, login):
        return True
    if login.lower() == GHOST:
        return False
    if permission is not None and level(permission) >= LEVELS.index(rule.permission):
        return True
    member = {team.lower() for team in teams}
    owners = {owner.lower() for owner in codeowners} if rule.codeowners else set()
    return login.lower() in owners or not member.isdisjoint(owners | {team.lower() for team in rule.teams})


def _named(rule: AccessRule, login: str) -> bool:
    """Whether the rule alone says yes; a deleted account is no one in particular."""
    known = login.lower() != GHOST and login.lower() in {user.lower() for user in rule.users}
    return rule.permission == ANYONE or known


def permits(rule: AccessRule, mode: str, patch: Json) -> bool:
    """Whether `allow` has the update: its mode, or each of its operators; a `$push` that takes items away is more."""
    changes = patch if mode == "operators" and isinstance(patch, dict) else {}
    pushed = changes.get("$push")
    slices = isinstance(pushed, dict) and any(isinstance(one, dict) and SLICE in one for one in pushed.values())
    return mode in rule.allow or (bool(changes) and set(changes) <= set(rule.allow) and not slices)


@dataclass(frozen=True)
class Access:
    """What a person may do to an object.

    Args:
        rule: the object's.
        kinds: the update modes or operators that the person may use; all modes if they may do everything.
        create: whether the person may create an object with that id by a form.
    """

    object_id: str
    login: str
    rule: AccessRule
    kinds: tuple[str, ...]
    create: bool = False

    @property
    def decided_by(self) -> str:
        """The rule in words, as the configuration writes it."""
        return written(self.rule)


def written(rule: AccessRule) -> str:
    """A rule as the configuration writes it."""
    parts = [f"permission: {rule.permission}"]
    parts += [f"users: [{', '.join(sorted(rule.users))}]"] if rule.users else []
    parts += [f"teams: [{', '.join(rule.teams)}]"] if rule.teams else []
    parts += ["codeowners: true"] if rule.codeowners else []
    parts += [f"allow: [{', '.join(rule.allow)}]"] if rule.limited else []
    parts += ["owner: true"] if rule.owner else []
    parts += ["create: true"] if rule.create else []
    return f"{{match: {rule.match!r}, {', '.join(parts)}}}"


def creating(rule: AccessRule) -> AccessRule:
    """The rule for creating objects by a form; by default, that takes at least write permission."""
    if rule.create:
        return replace(rule, permission=rule.create, allow=UPDATE_MODES)
    least = LEVELS.index(AccessRule.permission)
    return AccessRule(rule.match, rule.permission if rule.permission in LEVELS[least:] else AccessRule.permission)


def limit(rule: AccessRule) -> str:
    """What the rule says of an update that it does not permit."""
    kinds = " and ".join(f"`{kind}`" + f" (without `{SLICE}`)" * (kind == "$push") for kind in rule.allow)
    return f"the access rule for `{rule.match}` allows {kinds} alone to those without write permission"


def codeowners_for(text: str, path: str) -> frozenset[str]:
    """The owners of a path, in lowercase: logins, and teams as `org/team`.

    GitHub's rules (docs, "About code owners"): the last matching line counts, a line without owners removes them, an
    invalid line is skipped, paths are case-sensitive, and `!`, `[ ]` and an escaped `#` have no meaning.  Email
    addresses are ignored: nothing says whose they are.  GitLab's sections are invalid.

    Args:
        text: of the CODEOWNERS file.
        path: inside the repository, with slashes.
    """
    if len(text.encode(errors="replace")) > CODEOWNERS_LIMIT:
        return frozenset()
    segments = [part for part in path.split("/") if part not in ("", ".")]
    for line in reversed(text.split("\n")):
        words = _WORD.findall(re.sub(r"(^|\s)#.*", "", line))
        if words and _valid(words) and _covers(words[0].replace("\\ ", " "), segments):
            return frozenset(found[1].lower() for found in map(_OWNER.fullmatch, words[1:]) if found)
    return frozenset()


def _valid(words: Sequence[str]) -> bool:
    pattern, *owners = words
    plain = not pattern.startswith(("!", "\\#")) and not set("[]") & set(pattern) and pattern.strip("/") != ""
    return plain and all(_OWNER.fullmatch(owner) or _MAIL.fullmatch(owner) for owner in owners)


def _covers(pattern: str, path: Sequence[str]) -> bool:
    """Whether a pattern of CODEOWNERS matches the file at `path`."""
    parts = pattern.strip("/").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts = ["**", *parts]  # no slash except at the end: at any depth
    if pattern.endswith("/"):
        parts = [*parts, "**"]  # everything in the directory
    direct = parts[-1] == "*" and parts[:-1] != ["**"]  # `docs/*`, `/*`: only the files right there
    return _walk(parts, path, whole=direct)


def _walk(parts: Sequence[str], path: Sequence[str], *, whole: bool) -> bool:
    """Match segment by segment, in time proportional to the product of both lengths.

    `reached` has the numbers of path segments that the parts so far can match; `**` matches any number, at the end at
    least one.  Unless `whole`, a pattern that ends at a directory matches everything below it.
    """
    reached = {0}
    for number, part in enumerate(parts, 1):
        if part == "**":
            reached = set(range(min(reached) + (number == len(parts)), len(path) + 1))
        else:
            reached = {used + 1 for used in reached if used < len(path) and fnmatchcase(path[used], part)}
        if not reached:
            return False
    return not whole or len(path) in reached
