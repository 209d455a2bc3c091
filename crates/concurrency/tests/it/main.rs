//! Runs the checks.

use concurrency::checks;

/// Makes a test of each check.
macro_rules! run {
    ($($subject:ident { $($check:ident)* })*) => {$(
        mod $subject {
            $(#[test]
            fn $check() {
                super::checks::$subject::$check();
            })*
        }
    )*};
}

run! {
    chat_clients {
        a_conversation_is_known_while_a_member_is_connected
        no_more_sockets_of_a_user_stay_than_may
    }
    chat_connection {
        a_resume_learns_of_what_it_kept_back
        an_end_wakes_the_task_and_the_first_reason_stays
        live_events_keep_their_order_while_the_gate_opens
    }
    frame_queue {
        a_stream_with_a_refused_frame_ends_before_it
        frames_arrive_whole_once_and_in_order
        overflow_wakes_a_writer_whose_socket_takes_nothing
        two_frames_arrive_in_every_schedule
        what_was_accepted_comes_before_the_close_frame
    }
    half_open {
        an_address_has_no_more_places_than_it_may
    }
    load_reports {
        a_report_counts_whole
        an_old_owner_is_not_believed_after_the_new_one
    }
    store_inbox {
        news_arrive_once_and_wake_the_reader
    }
    store_writer {
        a_failure_lets_everything_go
        commands_wake_the_writer
        no_more_wait_than_may
        what_was_taken_is_executed_once_and_in_order
    }
    tables {
        a_source_that_goes_wakes_those_who_wait
        epochs_only_grow_for_every_reader
    }
}
