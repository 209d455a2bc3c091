//! The tests that every implementation of [`crate::Store`], [`crate::Log`], [`crate::Inbox`] and [`crate::Outbox`] must pass.
//!
//! One function a behaviour, and [`contract_tests`](crate::contract_tests) makes a test of each. Users and conversations are new in each, so
//! that the store may hold others; only the outbox must be read by nobody else meanwhile.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

pub mod accounts;
pub mod contacts;
pub mod conversations;
pub mod devices;
pub mod documents;
mod fixture;
pub mod groups;
pub mod inbox;
pub mod log;
pub mod log_changes;
pub mod log_reading;
pub mod logins;
pub mod memberships;
pub mod outbox;
pub mod presences;

use crate::{Inbox, Log, Outbox, Store};

/// All that is tested.
pub trait Backend: Store + Log + Inbox + Outbox {}

impl<T: Store + Log + Inbox + Outbox> Backend for T {}

/// Makes a test of each behaviour, in a module for each subject.
///
/// Takes the path of an `async fn() -> Option<D>` that opens a store of its own for each test, where `D` dereferences to what implements the
/// ports; a test to which it gives `None` is passed over.
#[macro_export]
macro_rules! contract_tests {
    ($open:path) => {
        $crate::contract_tests! { @each $open;
            accounts {
                a_taken_name_stays_taken,
                a_profile_is_changed_field_by_field,
                passwords_and_throttles_are_replaced,
                the_search_finds_names_and_displayed_names_in_pages,
                a_deleted_account_leaves_nothing_but_its_name,
                a_deleted_account_leaves_its_groups,
            }
            logins {
                a_login_is_updated_only_at_its_version,
                an_ended_login_is_gone_and_listed,
                all_logins_but_one_end,
                the_oldest_of_a_hundred_logins_ends,
                a_ticket_is_redeemed_once,
            }
            conversations {
                there_is_one_direct_conversation_for_a_pair,
                a_user_has_a_direct_conversation_alone,
                a_direct_conversation_needs_two_users,
                blocks_close_a_direct_conversation,
                a_blocked_user_starts_no_conversation,
                a_direct_conversation_is_no_group,
            }
            groups {
                a_group_begins_with_its_owner_and_members,
                a_group_takes_only_users_who_may_be_in_it,
                everybody_does_what_the_role_allows,
                the_ownership_is_handed_on,
                an_owner_who_leaves_is_succeeded,
                versions_grow_with_changes_alone,
            }
            memberships {
                a_membership_tells_when_something_last_happened,
                a_message_moves_its_senders_read_mark,
                marks_never_go_back_and_never_past_the_end,
                one_who_joins_begins_at_the_end,
                versions_grow_when_a_user_joins_or_leaves,
                each_member_mutes_for_themself,
            }
            contacts {
                a_contact_is_mutual_once_both_have_added,
                a_block_hides_both,
                contacts_and_blocks_need_users,
                contacts_and_blocks_are_limited,
            }
            devices {
                a_device_is_put_replaced_and_deleted,
                a_user_has_fifty_devices,
            }
            presences {
                an_older_epoch_overwrites_nothing,
                the_connected_are_listed_in_order,
            }
            documents {
                a_document_is_changed_only_at_its_version,
                one_of_two_writers_wins,
                an_answer_is_remembered_until_it_expires,
            }
            log {
                concurrent_appends_have_dense_numbers,
                queued_appends_keep_their_order,
                a_repeated_id_gives_the_first_place,
                concurrent_repeats_append_once,
                another_body_of_an_id_is_a_conflict,
                an_id_names_a_request_of_one_user_in_one_conversation,
                a_request_is_remembered_through_a_thousand_others,
                only_members_append,
                ends_are_of_the_last_events,
            }
            log_changes {
                only_the_author_edits,
                an_edit_needs_a_message,
                a_deleted_message_has_no_text_anywhere,
                only_authors_and_admins_delete,
                reactions_are_put_on_and_taken_off,
                reactions_go_with_their_message,
                a_message_has_a_hundred_different_emojis,
                a_refused_append_leaves_nothing,
            }
            log_reading {
                pages_after_a_number,
                pages_before_a_number,
                the_search_finds_texts_in_any_case,
                the_search_reads_no_more_than_its_budget,
                nobody_finds_what_was_changed_or_deleted,
            }
            inbox {
                entries_come_in_order_after_the_cursor,
                each_shard_has_its_own_inbox,
                reading_waits_for_news,
                an_unread_inbox_is_bounded,
            }
            outbox {
                only_messages_to_others_are_entered,
                entries_come_in_order_until_they_are_dealt_with,
                the_cursor_never_goes_back_and_never_ahead,
                pending_waits_for_entries,
            }
        }
    };
    (@each $open:path; $($subject:ident { $($behaviour:ident),* $(,)? })*) => {
        $(mod $subject {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    if let Some(store) = $open().await {
                        $crate::contract::$subject::$behaviour(&*store).await;
                    }
                }
            )*
        })*
    };
}
