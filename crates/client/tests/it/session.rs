//! Tokens are kept fresh, once for all who share them.

use client::{Error, Session, SessionFile};
use protocol::ErrorCode;
use protocol::account::{ChangePassword, Secret};

use crate::server::Server;

#[tokio::test]
async fn many_calls_at_once_exchange_the_token_once() {
    let server = Server::start().await;
    *server.api.expires_in.lock().unwrap() = 0;
    let session = server.log_in().await;
    *server.api.expires_in.lock().unwrap() = 900;
    let profiles = (0..20).map(|_| session.profile());
    for profile in futures_util::future::join_all(profiles).await {
        assert_eq!(profile.unwrap().username.as_str(), "ada");
    }
    assert_eq!(*server.api.tokens.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_time_is_exchanged() {
    let server = Server::start().await;
    let session = server.log_in().await;
    // Another login of the same user makes the first token stale for this server, but not its family.
    let mut saved = session.saved();
    saved.token = Secret::new("token-0");
    let session = Session::restore(session.http(), saved);
    session.profile().await.unwrap();
    assert_eq!(session.saved().token.expose(), "token-2");
}

#[tokio::test]
async fn a_wrong_password_is_not_taken_for_a_stale_token() {
    let server = Server::start().await;
    let session = server.log_in().await;
    let change = ChangePassword { current: Secret::new("wrong"), new: Secret::new("a better password") };
    assert!(session.change_password(&change).await.unwrap_err().is(ErrorCode::InvalidCredentials));
    assert_eq!(*server.api.tokens.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_exchange_without_an_answer_is_repeated_under_its_key() {
    let server = Server::start().await;
    let session = server.log_in().await;
    *server.api.unavailable.lock().unwrap() = 1;
    let token = session.saved().token;
    assert!(session.exchange(&token).await.unwrap_err().is(ErrorCode::Unavailable));
    let token = session.exchange(&token).await.unwrap();
    session.exchange(&token).await.unwrap();
    let keys = server.api.keys.lock().unwrap().clone();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[tokio::test]
async fn two_processes_that_share_a_file_share_the_login() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = SessionFile::new(folder.path().join("chatapp/session.json"));
    assert!(Session::open(file.clone()).unwrap().is_none());
    let first = server.log_in().await.keep_in(file.clone()).unwrap();
    let second = Session::open(file.clone()).unwrap().unwrap();
    let token = first.exchange(&first.saved().token).await.unwrap();
    // The second still has the first refresh token; to use it again would end the login.
    let same = second.exchange(&second.saved().token).await.unwrap();
    assert_eq!(token.expose(), same.expose());
    assert_eq!(*server.api.tokens.lock().unwrap(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    let session = server.log_in().await.keep_in(SessionFile::new(&path)).unwrap();
    session.exchange(&session.saved().token).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(Session::open(SessionFile::new(&path)), Err(Error::File(_))));
}
