"""How Slack behaves, as data: what the sandbox does, where that was read, and how sure it is."""
# ruff: noqa: E501 - a table reads best with one row a line

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["documented", "reported", "assumed", "ours"]
"""documented: in Slack's own pages. reported: by people who saw it. assumed: nobody says. ours: a choice of this sandbox."""


@dataclass(frozen=True)
class Behaviour:
    """One thing Slack does; `subject` is what it is about, `tests` names the tests that hold us to it."""

    subject: str
    what: str
    confidence: Confidence
    source: str
    tests: str


MESSAGES, MODALS, HOME, DELIVERY, PEOPLE, API = "Messages", "Modals", "Home", "Delivery", "People", "Web API"
_UPDATE = "docs.slack.dev/reference/methods/chat.update"
_POST = "docs.slack.dev/reference/methods/chat.postMessage"
_EPHEMERAL = "docs.slack.dev/reference/methods/chat.postEphemeral"
_FORMAT = "docs.slack.dev/messaging/formatting-message-text"
_MODALS = "docs.slack.dev/surfaces/modals"
_INTERACTION = "docs.slack.dev/interactivity/handling-user-interaction"
_COMMANDS = "docs.slack.dev/interactivity/implementing-slash-commands"
_EVENTS = "docs.slack.dev/apis/events-api"
_SOCKETS = "docs.slack.dev/apis/events-api/using-socket-mode"
_HOME = "docs.slack.dev/reference/events/app_home_opened"
_MESSAGE = "docs.slack.dev/reference/events/message"
_NOWHERE = "—"

BEHAVIOURS = (
    Behaviour(MESSAGES, "`chat.update` with a text and no blocks takes the blocks away and marks the message as edited", "documented", _UPDATE, "test_5_an_update_with_a_text_alone_takes_the_buttons_away"),
    Behaviour(MESSAGES, "`chat.update` parses its text like a client unless `parse` is `none`; `chat.postMessage` does not", "documented", _UPDATE, "test_7_an_update_parses_what_a_post_does_not"),
    Behaviour(MESSAGES, "`chat.update` wants the id of the conversation; `chat.postMessage` takes a person's id too, `W…` on Grid as well", "documented", _UPDATE, "test_6_an_update_wants_the_conversation_and_a_timestamp_in_words test_a_person_of_a_grid_is_written_to_by_an_id_with_w"),
    Behaviour(MESSAGES, "A timestamp that is not a string is `invalid_arguments`", "assumed", _NOWHERE, "test_a_timestamp_is_a_string"),
    Behaviour(MESSAGES, "A mrkdwn text parses `@here`, `#channel` and bare addresses by itself unless it is `verbatim`", "documented", _FORMAT, "test_only_a_verbatim_text_is_not_parsed_further"),
    Behaviour(MESSAGES, "Control sequences are found first and entities decoded last: an escaped `&lt;!channel&gt;` stays words", "documented", _FORMAT, "test_entities_are_decoded_after_the_search_for_control_sequences"),
    Behaviour(MESSAGES, "The cap on all text of a message holds for posts and updates, not for response URLs", "reported", "bolt-js#2509, bolt-js#2867", "test_16_blocks_that_are_right_one_by_one_are_too_much_together"),
    Behaviour(MESSAGES, "An ephemeral message cannot be updated; its timestamp is good for nothing but the answer to a click", "documented", _EPHEMERAL, "test_9_an_ephemeral_message_cannot_be_updated_nor_shown_to_strangers_of_the_channel"),
    Behaviour(MESSAGES, "An ephemeral reply in a thread nobody has answered in is accepted, and seen by nobody", "documented", _EPHEMERAL, "test_threads_hang_on_messages_and_not_on_replies"),
    Behaviour(MESSAGES, "A reply's timestamp as `thread_ts` is `thread_not_found`; Slack says only that it must not be done", "assumed", _POST, "test_threads_hang_on_messages_and_not_on_replies"),
    Behaviour(MESSAGES, "A person's id in an update, a reply's or an ephemeral's timestamp where another is wanted: a violation, for it is wrong in every workspace", "ours", _NOWHERE, "test_what_is_wrong_whatever_the_workspace_is_like_is_kept"),
    Behaviour(MESSAGES, "A private channel without the bot is `channel_not_found`, a public one `not_in_channel`, an archived one `is_archived`", "assumed", _POST, "test_15_a_channel_the_bot_is_not_in_looks_like_one_that_is_not_there"),
    Behaviour(MESSAGES, "A message to a person who is deactivated is `channel_not_found`, to a bot `cannot_dm_bot`", "assumed", _POST, "test_who_left_cannot_be_written_to test_the_team_and_the_bot_are_known"),
    Behaviour(MESSAGES, "A response URL answers to one click or command, five times in half an hour; then 404 with `used_url` or `expired_url`", "assumed", _INTERACTION, "test_a_response_url_is_good_for_five_answers test_a_response_url_is_good_for_thirty_minutes"),
    Behaviour(MESSAGES, "An answer over a response URL is for the person's eyes only unless it says `in_channel`", "documented", _INTERACTION, "test_the_direct_answer_to_a_command_is_seen_by_its_author_alone test_an_answer_in_the_channel_is_seen_by_all"),
    Behaviour(MESSAGES, "An answer with a key that is not one of a message's, or with attachments, is refused, where Slack ignores it or takes it", "ours", _NOWHERE, "test_an_answer_is_checked_over_a_response_url_and_at_once"),
    Behaviour(MESSAGES, "Emoji sent as characters are kept, and come back, as `:name:`; here only the few that the page draws", "documented", _FORMAT, "test_and_an_emoji_sent_as_a_character_comes_back_by_its_name"),
    Behaviour(MODALS, "A trigger id opens one modal within three seconds of being sent, checked after the view, so that a refused view does not use it up", "assumed", _MODALS, "test_1_a_trigger_opens_one_modal_within_three_seconds test_a_refused_view_leaves_the_trigger_unused"),
    Behaviour(MODALS, "`views.open` from inside a modal replaces what was open", "assumed", _MODALS, "test_a_modal_opened_from_inside_a_modal_takes_its_place"),
    Behaviour(MODALS, "`views.push` with a trigger that came from no modal is `not_found`", "assumed", "docs.slack.dev/reference/methods/views.push", "test_a_push_needs_a_trigger_from_inside_a_modal"),
    Behaviour(MODALS, "An empty acknowledgement of a submission closes that view; `{}`, a text, or errors that name no input block are “We had some trouble connecting. Try again?”", "documented", _MODALS, "test_2_only_an_empty_answer_closes_a_modal test_3_errors_are_named_by_the_block_of_an_input"),
    Behaviour(MODALS, "`views.update` keeps what was typed where block id and action id stay; a stale `hash` is `hash_conflict`; a closed view is `not_found`", "documented", "docs.slack.dev/reference/methods/views.update", "test_20_an_update_of_a_form_keeps_what_was_typed_only_under_the_same_ids test_an_update_finds_the_view_while_it_is_open"),
    Behaviour(MODALS, "Clicks in an input block are told to the app only with `dispatch_action`", "documented", "docs.slack.dev/reference/interaction-payloads/block_actions-payload", "test_a_field_of_a_form_tells_the_app_only_when_it_is_to"),
    Behaviour(MODALS, "`response_urls` come with a submission for conversations chosen in a field with `response_url_enabled`", "documented", _MODALS, "test_a_form_brings_response_urls_for_the_conversations_chosen_in_it"),
    Behaviour(HOME, "`app_home_opened` is sent each time a person enters, for the Messages tab too; it carries the view once there is one", "documented", _HOME, "test_the_app_is_told_each_time_and_shown_what_stands_there"),
    Behaviour(HOME, "`views.publish` without the Home tab in the manifest is `not_enabled`; with a `hash` before anything was published `hash_conflict`", "assumed", "docs.slack.dev/reference/methods/views.publish", "test_a_home_is_refused_where_the_manifest_has_none_or_slack_would test_what_cannot_be_published"),
    Behaviour(HOME, "`views.publish` for somebody who is deactivated, or nobody, is `invalid_arguments` that names `user_id`", "assumed", "docs.slack.dev/reference/methods/views.publish", "test_that_somebody_was_deactivated_is_no_mistake_of_the_app"),
    Behaviour(HOME, "A click on the Home tab carries the view and neither channel nor response URL; its trigger opens modals and pushes none", "documented", _HOME, "test_a_click_on_the_home_tab_opens_a_modal_and_pushes_none"),
    Behaviour(DELIVERY, "Events come at least once: again at once, after one and after five more minutes, with the same `event_id`", "documented", _EVENTS, "test_13_an_event_comes_again_until_it_is_taken"),
    Behaviour(DELIVERY, "A message in a conversation that the app is in is an event, its own too; one that is changed or deleted comes as `message_changed` or `message_deleted` with what it was before", "documented", _MESSAGE, "test_a_reply_in_a_thread_is_told_with_the_message_that_it_hangs_on test_a_message_that_is_changed_comes_with_what_it_said_before test_a_message_that_is_deleted_comes_once_more_as_what_it_was test_the_app_hears_of_its_own_messages_too"),
    Behaviour(DELIVERY, "Commands and interactions are sent once, whatever becomes of them", "reported", "bolt-python#1071", "test_a_dropped_acknowledgement_hides_work_that_was_done"),
    Behaviour(DELIVERY, "Each payload goes to one of the connections, in turn; Slack says any of them", "documented", _SOCKETS, "test_11_a_second_app_on_the_same_token_gets_half_of_the_clicks"),
    Behaviour(DELIVERY, "An acknowledgement counts over whatever connection it comes", "assumed", _SOCKETS, "test_an_acknowledgement_counts_over_another_connection"),
    Behaviour(DELIVERY, "With a request URL, or once Socket Mode is turned off, `apps.connections.open` is `forbidden_team`", "assumed", _SOCKETS, "test_request_urls_and_socket_mode_exclude_one_another test_socket_mode_that_was_turned_off_stays_off"),
    Behaviour(DELIVERY, "A request URL that fails says `dispatch_failed` to a command, one that is slow `operation_timeout`", "reported", "python-slack-sdk#1065", "test_a_request_url_that_is_slow_broken_or_away_is_named"),
    Behaviour(DELIVERY, "A request URL may redirect an event twice, nothing else", "documented", _EVENTS, "test_an_event_follows_two_redirects_and_a_command_none"),
    Behaviour(DELIVERY, "An event that comes again says why: `http_timeout`, `http_error`, `connection_failed`, `ssl_error`, `too_many_redirects` or `unknown_error`", "documented", _EVENTS, "test_an_event_that_comes_again_says_why"),
    Behaviour(DELIVERY, "Slash commands carry no thread and `is_enterprise_install` as a string; private channels are called `privategroup`", "documented", _COMMANDS, "test_18_a_command_carries_raw_words_and_little_else"),
    Behaviour(DELIVERY, "Global shortcuts carry a trigger id and no response URL", "documented", "docs.slack.dev/interactivity/implementing-shortcuts", "test_a_global_shortcut_carries_a_trigger_and_no_place"),
    Behaviour(DELIVERY, "Selects that ask the app carry neither trigger id nor response URL; one option that is too long spoils all", "documented", "docs.slack.dev/reference/interaction-payloads/block_suggestion-payload", "test_19_one_role_with_a_long_name_breaks_the_whole_list"),
    Behaviour(PEOPLE, "User groups list guests and those who left", "reported", "docs.slack.dev/reference/methods/usergroups.users.list", "test_and_groups_name_guests_and_people_who_left"),
    Behaviour(PEOPLE, "A user group that is disabled or unknown is `no_such_subteam`; plans without groups say `plan_upgrade_required`", "assumed", "docs.slack.dev/reference/methods/usergroups.users.list", "test_groups_are_told_with_the_plan_that_has_them"),
    Behaviour(PEOPLE, "Payloads about a stranger name this team, and his own in `user.team_id`", "assumed", _INTERACTION, "test_a_stranger_who_presses_is_named_as_one"),
    Behaviour(PEOPLE, "On Grid, an app installed for the organisation gets `team: null`, and `user.team_id` starts with E", "documented", _INTERACTION, "test_on_grid_payloads_carry_the_organisation"),
    Behaviour(PEOPLE, "Whoever is deactivated can do nothing; a session may be left alive for a moment to stand for a click on its way", "ours", _NOWHERE, "test_whoever_is_deactivated_can_do_nothing_but_what_was_under_way"),
    Behaviour(API, "An invalid view is `invalid_arguments`, invalid blocks of a message are `invalid_blocks`, with the places in `response_metadata.messages`; the sentences are close to Slack's", "reported", "grafana/oncall#5121", "test_4_a_view_slack_would_refuse_is_refused test_wrong_blocks_are_answered_in_slacks_shape"),
    Behaviour(API, "A block id twice in a surface, an action id twice in a block, an option value twice in a select: refused", "assumed", "docs.slack.dev/reference/block-kit/blocks", "test_what_slack_refuses_in_blocks_is_refused"),
    Behaviour(API, "A key whose value is null counts as given, and is refused where an object is wanted", "assumed", _NOWHERE, "test_what_slack_refuses_in_blocks_is_refused"),
    Behaviour(API, "An argument a method does not list is refused, where Slack ignores it", "ours", _NOWHERE, "test_an_argument_nobody_knows_is_refused"),
    Behaviour(API, "One call too many is HTTP 429 with `Retry-After` and `ratelimited`; buckets refill evenly, a minute's worth at once is allowed", "assumed", "docs.slack.dev/apis/web-api/rate-limits", "test_17_calls_are_counted_by_method_and_by_channel test_a_method_may_be_called_as_often_as_its_tier_says"),
    Behaviour(API, "`apps.connections.open` is tier 1: the method's page says 3, java-slack-sdk's table 1", "assumed", "docs.slack.dev/reference/methods/apps.connections.open", "test_a_method_may_be_called_as_often_as_its_tier_says"),
    Behaviour(API, "`blocks.validate` needs no token and answers with `errors` as `[{code, message, field, pointer}]`", "reported", "slack-skills-plugin, skills/block-kit", "test_blocks_are_validated_for_anybody"),
    Behaviour(MESSAGES, "Code stops formatting and not control sequences: a mention between backticks is a mention", "assumed", _FORMAT, "test_what_slack_makes_of_a_text"),
    Behaviour(MESSAGES, "A `@name` of somebody here is a mention wherever a text is parsed further", "assumed", _FORMAT, "test_only_a_verbatim_text_is_not_parsed_further"),
    Behaviour(API, "After the app was uninstalled every call is `account_inactive`", "documented", "docs.slack.dev/reference/methods/auth.test", "test_an_uninstalled_app_is_inactive"),
    Behaviour(API, "Elements inside a card, a carousel or a container report the outer block's id", "assumed", _NOWHERE, "test_an_element_inside_a_card_reports_the_block_around_it"),
)  # fmt: skip
