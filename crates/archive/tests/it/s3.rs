//! An archive in a bucket.

use archive::{Archive, Credentials, Error, ObjectArchive, S3Options};
use bytes::Bytes;
use protocol::ConversationId;

use crate::answers::{BUSY, Breaking, NO_BUCKET, Unwilling};
use crate::contract::{self, noise, segment};
use crate::server::{Server, key, options};

const ID: ConversationId = ConversationId([1; 16]);

#[tokio::test]
async fn a_bucket_is_an_archive() {
    let server = Server::start().await;
    for prefix in ["", "chatapp/one"] {
        let options = S3Options { prefix: prefix.to_owned(), ..server.options() };
        let archive = ObjectArchive::s3(&options).unwrap();
        archive.check().await.unwrap();
        contract::check(&archive).await;
    }
}

#[tokio::test]
async fn prefixes_share_a_bucket_and_see_nothing_of_each_other() {
    let server = Server::start().await;
    let [one, other] = ["one", "other"].map(|prefix| {
        ObjectArchive::s3(&S3Options { prefix: prefix.to_owned(), ..server.options() }).unwrap()
    });
    let stored = one.put(ID, segment(1, 2), Bytes::from("some events")).await.unwrap();
    assert_eq!(other.list(ID, None, 10).await.unwrap(), []);
    assert_eq!(other.get(ID, stored).await, Err(Error::NotFound));
    other.delete_all(ID).await.unwrap();
    assert_eq!(one.get(ID, stored).await.unwrap(), "some events");
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let server = Server::start().await;
    for credentials in [key("key", "wrong"), key("nobody", "secret")] {
        let archive = ObjectArchive::s3(&S3Options { credentials, retries: 3, ..server.options() }).unwrap();
        assert!(matches!(archive.check().await, Err(Error::Denied(_))), "{:?}", archive.check().await);
        let put = archive.put(ID, segment(1, 2), Bytes::from("some events")).await;
        assert!(matches!(put, Err(Error::Denied(_))), "{put:?}");
        let said = put.unwrap_err().to_string();
        assert!(!said.contains("wrong") && said.len() < 200, "{said}");
    }
}

#[tokio::test]
async fn a_missing_bucket_is_told() {
    let server = Server::start().await;
    let archive =
        ObjectArchive::s3(&S3Options { bucket: "no-such-bucket".to_owned(), ..server.options() }).unwrap();
    assert!(matches!(archive.check().await, Err(Error::NoBucket(_))), "{:?}", archive.check().await);
    let found = archive.find(ID, 1).await;
    assert!(matches!(found, Err(Error::NoBucket(_))), "{found:?}");

    // That server makes the bucket that a segment is put into; others do not.
    let other = Unwilling::start(NO_BUCKET, usize::MAX, server.address).await;
    let put = ObjectArchive::s3(&options(other.address)).unwrap().put(ID, segment(1, 2), Bytes::new()).await;
    assert_eq!(put, Err(Error::NoBucket("NoSuchBucket".to_owned())));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let address = {
        let server = Server::start().await;
        server.address
    };
    let archive = ObjectArchive::s3(&options(address)).unwrap();
    let put = archive.put(ID, segment(1, 2), Bytes::new()).await;
    assert!(matches!(put, Err(Error::Unavailable(_))), "{put:?}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_not_for_ever() {
    let server = Server::start().await;
    let busy = Unwilling::start(BUSY, 2, server.address).await;
    let archive = ObjectArchive::s3(&S3Options { retries: 2, ..options(busy.address) }).unwrap();
    let stored = archive.put(ID, segment(1, 2), Bytes::from("some events")).await.unwrap();
    assert_eq!(busy.refused(), 2);
    assert_eq!(archive.get(ID, stored).await.unwrap(), "some events");

    let busy = Unwilling::start(BUSY, usize::MAX, server.address).await;
    let archive = ObjectArchive::s3(&S3Options { retries: 2, ..options(busy.address) }).unwrap();
    let put = archive.put(ID, segment(1, 2), Bytes::from("some events")).await;
    assert!(matches!(put, Err(Error::Unavailable(_))), "{put:?}");
    assert_eq!(busy.refused(), 3, "once and two times again");
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_not_there() {
    let server = Server::start().await;
    let breaking = Breaking::start(100_000, server.address).await;
    let archive = ObjectArchive::s3(&options(breaking.address)).unwrap();
    let bytes = Bytes::from(noise(400_000));
    let put = archive.put(ID, segment(1, 2), bytes.clone()).await;
    assert!(matches!(put, Err(Error::Unavailable(_))), "{put:?}");

    let archive = ObjectArchive::s3(&server.options()).unwrap();
    assert_eq!(archive.list(ID, None, 10).await.unwrap(), []);
    let stored = archive.put(ID, segment(1, 2), bytes.clone()).await.unwrap();
    assert_eq!(archive.get(ID, stored).await.unwrap(), bytes);
}

#[test]
fn options_that_make_no_sense_are_told_and_secrets_are_not() {
    let missing = S3Options { ca_file: Some("/no/such/file".into()), ..S3Options::default() };
    assert!(matches!(ObjectArchive::s3(&missing), Err(Error::Options(_))));
    let slash =
        S3Options { prefix: "a//b".to_owned(), credentials: key("key", "secret"), ..S3Options::default() };
    assert!(matches!(ObjectArchive::s3(&slash), Err(Error::Options(_))));
    assert!(!format!("{slash:?}").contains("secret"));
    assert_eq!(format!("{:?}", Credentials::Environment), "Environment");
}
