"""The eighty defects of gh-store, by number: each has tests that hold it off, or a reason why it cannot occur here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# Defects whose tests do not name them: the tests that would fail if they came back.
HELD_OFF = {
    "D01": [
        "test_f08__process_updates_folds_oldest_first_closes_and_leaves_receipts",
        "test_the_product_knows_nothing_of_its_tests",
    ],
    "D02": ["test_update__two_requests_post_and_reopen", "test_delete__two_requests_and_twice_is_once"],
    "D04": ["test_update__two_requests_post_and_reopen"],
    "D10": ["test_store__from_an_opened_issue_to_the_committed_snapshot"],
    "D17": ["test_who_may_write_is_what_the_rules_say"],
    "D24": ["test_what_a_comment_says", "test_no_comment_blocks_or_breaks_another"],
    "D25": ["test_operators__change_what_their_path_names", "test_json_patch__is_rfc_6902"],
    "D26": ["test_merge_patch__is_rfc_7396"],
    "D27": ["test_update__every_mode", "test_apply__names_the_modes_there_are"],
    "D41": ["test_template__runs_no_script_and_gives_only_inputs_that_exist"],
    "D42": ["test_outputs__are_those_of_the_contract_in_its_order_and_described"],
    "D44": ["test_comment__is_folded_without_reopening"],
    "D47": ["test_snapshot__what_changes_while_it_is_read_is_in"],
    "D48": ["test_time__is_the_highest_of_its_objects_and_changes_are_asked_from_two_seconds_before"],
    "D49": ["test_snapshot__brought_up_to_date_has_the_bytes_of_a_full_one"],
    "D50": ["test_snapshot__an_object_with_something_pending_is_in_as_last_folded"],
    "D51": ["test_snapshot__nothing_changed_means_no_commit"],
    "D52": [
        "test_write__makes_folders_and_files__and_says_what_changed",
        "test_check_output__no_permission__is_said_before_the_work",
    ],
    "D55": ["test_formats__directory_has_a_file_an_object_and_an_index"],
    "D56": ["test_up_to_fifty_pending__two_requests"],
    "D57": ["test_up_to_fifty_pending__two_requests"],
    "D58": ["test_create__four_requests_give_a_complete_object"],
    "D59": ["test_create__four_requests_give_a_complete_object"],
    "D60": [
        "test_list__three_hundred_objects_in_three_requests",
        "test_requests__a_full_snapshot_is_one_for_each_hundred_and_one",
    ],
    "D61": ["test_nothing_pending_and_closed__quiet"],
    "D63": [
        "test_secondary_limit__waits_as_long_as_it_says",
        "test_write__that_got_no_proper_answer_is_never_repeated",
    ],
    "D72": ["test_what_a_comment_says"],
    "D74": [
        "test_a_reply_names_explains_and_mentions_only_the_writer",
        "test_update__what_would_be_refused_is_not_posted",
    ],
    "D80": ["test_outputs__are_those_of_the_contract_in_its_order_and_described"],
}
NOT_HERE = {
    "D75": "there is no TypeScript client; a site reads the snapshot",
    "D76": "there is no TypeScript client",
    "D77": "there is no TypeScript client",
    "D78": "aliases are not offered",
}
FUNCTIONS = {
    name
    for file in TESTS.rglob("test_*.py")
    for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}
NAMED = {
    number
    for file in TESTS.rglob("test_*.py")
    if file != Path(__file__)
    for number in re.findall(r"\bD\d\d\b", file.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("number", [f"D{n:02}" for n in range(1, 81)])
def test_a_defect_of_the_original_is_held_off_by_a_test(number: str) -> None:
    if number in NOT_HERE or number in NAMED:
        return
    assert set(HELD_OFF[number]) <= FUNCTIONS


def test_the_tests_that_the_threat_model_names_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")))
    assert len(named) > 20
    assert named - FUNCTIONS == set()
