"""What one run knows about one store: its rules, whose the token is, and who may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from gh_store_action import __version__
from gh_store_action.config.issue_forms import FOLDER, parse_form
from gh_store_action.config.schemas import Schemas, compiled, judge_of
from gh_store_action.config.store_config import LOCAL_FILE, StoreConfig, combine, parse_local
from gh_store_action.domain import acceptance, access
from gh_store_action.domain.access import Access
from gh_store_action.domain.forms import filling
from gh_store_action.domain.forms.answers import Field
from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.log.fold import Judge
from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.processing.context import Context, NeedsMore, PermissionUnknown
from gh_store_action.domain.processing.effects import AskPermissions
from gh_store_action.domain.records import GHOST, AccessRule, FormRule, Issue, Rules
from gh_store_action.domain.verdicts import Verdict
from gh_store_action.errors import (
    AccessDeniedError,
    ConcurrentUpdateError,
    ConfigurationError,
    GitHubError,
)
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.records import PAGE, Page, Reading
from gh_store_action.gateway.transport import Cancelled
from gh_store_action.hints import Text
from gh_store_action.store.asking import People

SNAPSHOT_PATH = "data/store-snapshot.json"
MOST_NAMED = 10  # people in one line of the log
MOST_READINGS = 10  # of one page, while others change its issues


class Session:
    """What the modes share.

    Args:
        local: the text of a local configuration file, or None.
        local_source: its path, for messages.
        server_url: of the website, for links.
        snapshot_path: its owners in CODEOWNERS may write, if the rules say so.
    """

    def __init__(
        self,
        github: GitHub,
        *,
        local: str | None = None,
        local_source: str = LOCAL_FILE,
        server_url: str = "https://github.com",
        snapshot_path: str = SNAPSHOT_PATH,
    ) -> None:
        self.github = github
        self.viewer = ""
        self.wrote = False  # whether GitHub has taken a title from this token
        self.refusals_to_say: dict[str, str] = {}
        self.local = local
        self.local_source = local_source
        self.server_url = server_url.rstrip("/")
        self._schemas: Schemas = ()
        self._forms: Mapping[str, str] = {}
        self._people = People(github, snapshot_path)
        self._allowed: dict[tuple[str, AccessRule], bool] = {}
        machine = parse_local(local or "", source=local_source)
        self._config = StoreConfig(retries=machine.retries, rate_limit=machine.rate_limit, log=machine.log)
        self._learned = False
        self._apply()

    @property
    def config(self) -> StoreConfig:
        """The configuration in force; complete after the first answer."""
        return self._config

    @property
    def rules(self) -> Rules:
        """The store's rules."""
        return self._config.rules

    @property
    def unlearned(self) -> bool:
        """Whether the next query has to fetch the store's files, too."""
        return not self._learned

    @property
    def counting(self) -> frozenset[str]:
        """Whose receipts, checkpoints and replies count.  The right to write is decided in `_answer`."""
        return self.rules.processors | {self.viewer}

    def learn(self, reading: Reading) -> None:
        """Takes the rules from the first answer.

        Raises:
            ConfigurationError: the configuration is wrong; nothing has been written yet.
        """
        if self._learned:
            return
        self.viewer = reading.viewer
        self._people.own = self.viewer, "" if self.viewer.endswith("[bot]") else reading.standing
        self._config = combine(reading.files.config, self.local, local_source=self.local_source)
        self._schemas = compiled(self._config.rules, reading.files.schemas)
        self._forms = reading.files.forms
        self._learned = True
        self._apply()

    def refuse_unknown_app(self) -> None:
        """Called before anything is written to an issue.

        GitHub's permission API says `none` about every App (github-facts, section 3), so what an App writes counts only
        if the store's configuration lists it.

        Raises:
            AccessDeniedError: the token belongs to an App that is not among the store's processors.
        """
        if not self.viewer.endswith("[bot]") or self.viewer in self.rules.processors:
            return
        names = ", ".join(f'"{login}"' for login in sorted({*self.rules.processors, self.viewer}))
        raise AccessDeniedError(
            f"The token belongs to {self.viewer}, an App that is not among the store's processors, so what it writes "
            "would not count. Nothing was written.",
            f"Add `processors: [{names}]` under `store:` in .github/gh-store.yml on the default branch.",
        )

    def _apply(self) -> None:
        transport = self.github.transport
        transport.retries = self._config.retries
        transport.most_per_hour = self._config.rate_limit.max_requests_per_hour

    def ensure(self) -> None:
        """Learns the rules by a separate request, if nothing else has brought them."""
        if not self._learned:
            self.learn(self.github.rules())

    def listed(
        self,
        cursor: str | None,
        *,
        first: int = PAGE,
        since: str | None = None,
        any_label: bool = False,
        deleted: bool = False,
        lacking: bool = False,
    ) -> Page:
        """A page of the store's issues, of its deleted objects, or of all issues that changed since then.

        The first answer brings the rules; if they set another label, it asks again.  Issues that a page does not fully
        show are read again, all in one request.  If one has changed in the meantime, the whole page is read again,
        because it must show one moment.

        Args:
            lacking: whether a page counts that lacks an issue, see `Page.unread`.

        Raises:
            ConcurrentUpdateError: issues changed each time.
            GitHubError: GitHub does not show all of an issue, unless `lacking`.
        """
        for _ in range(MOST_READINGS):
            label = self.rules.archived_label if deleted else self.rules.base_label
            page = self.github.issues(
                label, cursor, first=first, since=since, any_label=any_label, rules=self.unlearned
            )
            self.learn(page.reading)
            if label != (self.rules.archived_label if deleted else self.rules.base_label):
                continue
            wanted = [issue for issue in page.issues if not acceptance.enough(issue, self.rules)]
            more = self.github.more(wanted) if wanted else {}
            unread = {number: one for number, one in more.items() if isinstance(one, GitHubError)}
            seen = {number: one for number, one in more.items() if isinstance(one, Issue)}
            left = [one for one in wanted if one.number not in unread]
            if all(one.number in seen and seen[one.number].updated_at == one.updated_at for one in left):
                found = tuple(seen.get(one.number, one) for one in page.issues if one.number not in unread)
                page = replace(page, issues=found, unread=(*page.unread, *unread.values()))
                return page if lacking else page.whole()
        raise ConcurrentUpdateError(
            f"Issues of {self.github.repository} changed during each of {MOST_READINGS} attempts to list them.",
            "Try again when other runs have finished.",
        )

    def judge(self, object_id: str) -> Judge:
        """A judge by the object's schema.

        Raises:
            ConfigurationError: that schema is missing or wrong; others do not matter to this object.
        """
        return judge_of(self._schemas, object_id)

    @property
    def wrong_schemas(self) -> tuple[ConfigurationError, ...]:
        """Errors in the schemas that the configuration refers to."""
        return tuple(found for _, found in self._schemas if isinstance(found, ConfigurationError))

    def fields(self, form: FormRule) -> tuple[Field, ...]:
        """The fields of an issue form.

        Raises:
            ConfigurationError: the form is missing or wrong, or lacks a field of its entry; other forms do not matter
                to its issues.
        """
        source = f"{FOLDER}{form.form}"
        if form.form not in self._forms:
            raise ConfigurationError(
                f"The configuration names the form {form.form}, but {source} is not on the default branch.",
                "Add the file, or remove the entry from store.forms.",
            )
        fields = parse_form(self._forms[form.form], source)
        wrong = filling.problem(form, {field.id for field in fields if field.id})
        if wrong:
            raise ConfigurationError(f"The form {form.form} does not match its entry: {wrong}.", "Change one of them.")
        return fields

    def context(self, object_id: str, number: int) -> Context:
        """What a decision about the object starts with."""
        return Context(
            rules=self.rules,
            viewer=self.viewer,
            counting=self.counting,
            version=__version__,
            issue_url=self.issue_url(number),
            judge=self.judge(object_id),
            object_id=object_id,
            beside=None,
        )

    def issue_url(self, number: int) -> str:
        """The issue's page."""
        return f"{self.server_url}/{self.github.repository}/issues/{number}"

    def ask(self, context: Context, object_id: str, step: AskPermissions) -> Context:
        """The context with answers about these people.  If GitHub does not answer, that is not a no."""
        limited = {login: self.may_update(login, object_id) for login in sorted(step.limited)}
        permissions = {login: self.may_write(login, object_id) for login in sorted(step.logins)}
        silent = {login for answers in (limited, permissions) for login, answer in answers.items() if answer is None}
        return replace(
            context,
            limited={**context.limited, **{login: answer is True for login, answer in limited.items()}},
            permissions={**context.permissions, **{login: answer is True for login, answer in permissions.items()}},
            unanswered=context.unanswered | silent,
        )

    def barred(self, context: Context, object_id: str, entry: Entry) -> Verdict | None:
        """The refusal of an update for lack of rights; None if there is none, or GitHub does not say."""
        try:
            context.ask([entry])
        except NeedsMore as more:
            context = self.ask(context, object_id, cast(AskPermissions, more.step))
        return None if context.unanswered else context.refusal(entry)

    def may_write(self, login: str, object_id: str) -> bool | None:
        """Whether the person may change that object in every way; None if GitHub does not say; the reason is kept.

        A person let in by a rule with `allow` needs write permission for anything else.
        """
        rule = access.rule_for(self.rules, object_id, login)
        answer = self._answer(login, rule)
        return self._answer(login, AccessRule(rule.match)) if answer and rule.limited else answer

    def unknown(self, login: str) -> PermissionUnknown:
        """The error for somebody of whom GitHub does not say what they may do, with its reason."""
        return PermissionUnknown(login, self.refusals_to_say.pop(login, ""))

    @property
    def silences(self) -> list[Text]:
        """Whose updates stay pending because GitHub does not say what they may do: a line for each reason."""
        about: dict[str, list[str]] = {}
        for login, reason in self.refusals_to_say.items():
            about.setdefault(str(reason), []).append(login)
        return [Text.sentences([_not_said(logins), self.refusals_to_say[logins[0]]]) for logins in about.values()]

    def may_run(self, login: str) -> bool | None:
        """Whether a run may have been the person's own: that takes write permission, whatever an object's rule says."""
        return self._answer(login, AccessRule())

    def may_create(self, login: str, object_id: str) -> bool | None:
        """Whether the person may create an object of that id by a form; None as for `may_write`."""
        return self._answer(login, access.creating(access.rule_for(self.rules, object_id, login)))

    def access(self, login: str, object_id: str, owner: str = "") -> Access:
        """What the person may do to the object, and by which rule.

        Args:
            owner: of the object, or empty.

        Raises:
            GitHubError, AccessDeniedError: GitHub does not say what permission the person has.
        """
        self.ensure()
        login = login.lower()
        rule = access.rule_for(self.rules, object_id, login)
        whole, some = self.may_write(login, object_id), self.may_change(login, object_id, owner)
        create = self.may_create(login, object_id)
        if None in (whole, some, create):
            raise self.unknown(login)
        return Access(object_id, login, rule, UPDATE_MODES if whole else rule.allow if some else (), create is True)

    def may_update(self, login: str, object_id: str) -> bool | None:
        """Whether the person may do what the object's rule allows; None as for `may_write`."""
        return self._answer(login, access.rule_for(self.rules, object_id, login))

    def may_change(self, login: str, object_id: str, owner: str) -> bool | None:
        """Whether the person may change the object in some way; None as for `may_write`.

        Args:
            owner: whose the object is, empty for nobody's.
        """
        owns = login == owner != GHOST and access.rule_for(self.rules, object_id, login).owner
        return owns or self.may_update(login, object_id)

    def _answer(self, login: str, rule: AccessRule) -> bool | None:
        if login in self.rules.processors:  # the token's own login is judged like any other
            return True
        key = login, rule
        if key not in self._allowed:
            try:
                self._allowed[key] = self._people.allowed(login, rule)
            except Cancelled:
                raise
            except (GitHubError, AccessDeniedError) as error:
                self.refusals_to_say[login] = error.text
                return None
        return self._allowed[key]

    def forget_refusals(self) -> None:
        """Lets another call of the library ask again: someone may have granted the missing permission."""
        self._people.forget_refusals()
        self.wrote = False


def _not_said(logins: Sequence[str]) -> str:
    named, more = logins[:MOST_NAMED], len(logins) - MOST_NAMED
    others = f" and {more} other{'s' if more > 1 else ''}" if more > 0 else ""
    who = "they" if len(logins) > 1 else logins[0]
    return f"The updates of {', '.join(named)}{others} stay pending: GitHub did not say whether {who} may write."
