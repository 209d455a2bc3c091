//! People who chat in pairs and groups, and what they know afterwards.

pub(crate) mod device;
pub(crate) mod knowledge;
mod socket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use client::{Device as PushDevice, Http, PageOf, Session};
use protocol::account::{LogIn, Secret, SignUp};
use protocol::conversation::{ConversationView, CreateConversation};
use protocol::{ConversationId, Position, Username};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::device::{Device, Habits, Phase, Tally, To};

/// How many people are in a group, beside those who are away.
const GROUP: usize = 6;

/// Who is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many people chat.
    pub(crate) talkers: usize,
    /// How many are never connected.
    pub(crate) away: usize,
    /// How long each waits after an ack, on average.
    pub(crate) pause: Duration,
    /// Whether they also write to each other in pairs, and to somebody who is away.
    pub(crate) pairs: bool,
    /// Whether some leave now and then.
    pub(crate) leave: bool,
    /// Makes them do the same again.
    pub(crate) seed: u64,
}

/// People who chat.
pub(crate) struct People {
    /// What they count.
    pub(crate) tally: Arc<Tally>,
    /// When everything began.
    pub(crate) start: Instant,
    /// Those who are never connected.
    pub(crate) away: Vec<Username>,
    phase: watch::Sender<Phase>,
    devices: JoinSet<Device>,
    /// In how many conversations they are to write, each counted for each device.
    to_write_in: usize,
    /// Who is in which conversation.
    members: BTreeMap<ConversationId, BTreeSet<Username>>,
    /// Those who tell how far their conversations go.
    readers: BTreeMap<Username, Session>,
}

/// Everything that is known when nobody talks any more.
pub(crate) struct Story {
    /// The devices, with what they know.
    pub(crate) devices: Vec<Device>,
    /// The history of each conversation, as each member who was there read it.
    pub(crate) histories: BTreeMap<ConversationId, Vec<History>>,
    /// Who is in which conversation.
    pub(crate) members: BTreeMap<ConversationId, BTreeSet<Username>>,
    /// Which conversations each who chatted has, as the api says, and how far they go.
    pub(crate) listed: Ends,
    /// Those who were never connected.
    pub(crate) away: Vec<Username>,
}

/// Messages in order: their places and their senders' ids.
pub(crate) type History = Vec<(Position, String)>;

/// How far each conversation of each user goes.
pub(crate) type Ends = BTreeMap<Username, BTreeMap<ConversationId, u64>>;

/// How long a history may take to be read.
const READ_PATIENCE: Duration = Duration::from_secs(20);

const PASSWORD: &str = "correct-horse-battery-9";

impl People {
    /// Signs everybody up, makes the groups, and lets them begin; they are spread over the apis.
    pub(crate) async fn begin(apis: &[String], plan: &Plan) -> Result<Self> {
        let mut dice = StdRng::seed_from_u64(plan.seed);
        let (mut talkers, mut away) = (Vec::new(), Vec::new());
        for number in 0..plan.talkers + plan.away {
            let is_talker = number < plan.talkers;
            let name = format!("{}{number}", if is_talker { "person" } else { "away" });
            let http = Http::new(&apis[number % apis.len()])?;
            let session = sign_up(&http, &name).await?;
            let needs = serde_json::Map::default();
            let device = PushDevice { id: name, channel: "log".to_owned(), needs, registered_at: None };
            session.put_device(&device).await?;
            if is_talker { &mut talkers } else { &mut away }.push(session);
        }
        let away: Vec<Username> = away.iter().map(Session::username).collect();
        let mut people = Self {
            tally: Arc::default(),
            start: Instant::now(),
            away,
            phase: watch::Sender::new(Phase::Talk),
            devices: JoinSet::new(),
            to_write_in: 0,
            members: BTreeMap::new(),
            readers: talkers.iter().map(|session| (session.username(), session.clone())).collect(),
        };
        for group in talkers.chunks(GROUP) {
            people.begin_group(group, plan, &mut dice).await?;
        }
        Ok(people)
    }

    /// Makes a group, of people who also write to each other in pairs and to somebody who is away.
    async fn begin_group(&mut self, group: &[Session], plan: &Plan, dice: &mut StdRng) -> Result<()> {
        let names: Vec<Username> = group.iter().map(Session::username).collect();
        let mut members = names.clone();
        members.extend(self.away.iter().cloned());
        let title = Some(format!("group of {}", names[0]));
        let asked = CreateConversation { title, members: members[1..].to_vec() };
        let id = group[0].create_conversation(&asked).await?.id;
        self.members.insert(id, members.into_iter().collect());
        for (number, session) in group.iter().enumerate() {
            let partner = names[(number ^ 1).min(names.len() - 1)].clone();
            let mut to = vec![To::Conversation(id)];
            if plan.pairs && partner != names[number] {
                to.extend([To::User(partner.clone()), To::User(partner)]);
            }
            if plan.pairs && number == 0 && !self.away.is_empty() {
                to.push(To::User(self.away[dice.random_range(0..self.away.len())].clone()));
            }
            let leaves = plan.leave && number % 3 == 2;
            self.begin_device(session.clone(), "", Habits { to, pause: plan.pause, leaves }, dice);
            if number == 1 {
                // Another device of the same person, which only listens.
                let habits = Habits { to: Vec::new(), pause: plan.pause, leaves: false };
                self.begin_device(
                    log_in(session.http(), names[number].as_str()).await?,
                    "-phone",
                    habits,
                    dice,
                );
            }
        }
        Ok(())
    }

    fn begin_device(&mut self, session: Session, suffix: &str, habits: Habits, dice: &mut StdRng) {
        let name = format!("{}{suffix}", session.username());
        let to = &habits.to;
        self.to_write_in += to.iter().enumerate().filter(|(number, it)| !to[..*number].contains(it)).count();
        let dice = StdRng::seed_from_u64(dice.random());
        let world = (self.phase.subscribe(), self.tally.clone(), self.start);
        self.devices.spawn(Device::new(name, session, habits, dice, world).run());
    }

    /// Gives the groups.
    pub(crate) fn groups(&self) -> Vec<ConversationId> {
        self.members.keys().copied().collect()
    }

    /// Waits until so many more messages are acknowledged, or fails.
    pub(crate) async fn go_on(&self, count: usize, patience: Duration) -> Result<()> {
        let goal = self.tally.acked.load(Ordering::Relaxed) + count;
        let goes_on = async {
            while self.tally.acked.load(Ordering::Relaxed) < goal {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(patience, goes_on).await.context("the people do not get on")
    }

    /// Waits until everybody has written in all their conversations, or fails.
    pub(crate) async fn settle(&self, patience: Duration) -> Result<()> {
        let settled = async {
            while self.tally.written_in.load(Ordering::Relaxed) < self.to_write_in {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(patience, settled).await.context("somebody does not write in some conversation")
    }

    /// Ends the talk: waits for the last acks, lets everybody come back and see everything, and reads the histories.
    pub(crate) async fn end(mut self, patience: Duration) -> Result<Story> {
        self.phase.send_replace(Phase::Quiet);
        let last_acks = async {
            while self.tally.open.load(Ordering::Relaxed) > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(patience, last_acks).await.is_err() {
            bail!("{} messages are never acknowledged", self.tally.open.load(Ordering::Relaxed));
        }
        let mut ends = Ends::new();
        for (user, session) in &self.readers {
            let list = timeout(patience, conversations(session)).await;
            for view in list.context("the conversations cannot be read")? {
                let seq = view.state.map_or(0, |state| state.seq);
                ends.entry(user.clone()).or_default().insert(view.id, seq);
                let members = view.members.into_iter().map(|member| member.username);
                self.members.entry(view.id).or_default().extend(members);
            }
        }
        let mut devices = Vec::new();
        self.phase.send_replace(Phase::ComeBack(Arc::new(ends.clone())));
        let come_back = async {
            while let Some(device) = self.devices.join_next().await {
                devices.push(device);
            }
        };
        if timeout(patience, come_back).await.is_err() {
            // Somebody does not get to see everything: the checker tells who, and what.
            self.phase.send_replace(Phase::GiveUp);
            while let Some(device) = self.devices.join_next().await {
                devices.push(device);
            }
        }
        let devices: Vec<Device> = devices.into_iter().collect::<Result<_, _>>()?;
        for device in &devices {
            for acked in &device.acked {
                self.members.entry(acked.conversation).or_default().insert(device.user.clone());
            }
        }
        let mut histories: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, members) in &self.members {
            for device in devices.iter().filter(|device| members.contains(&device.user)) {
                // One that cannot be read has nothing, which the checker tells.
                let read = timeout(READ_PATIENCE, device.history(*id, 0)).await;
                histories.entry(*id).or_default().push(read.unwrap_or_default());
            }
        }
        Ok(Story { devices, histories, members: self.members, listed: ends, away: self.away })
    }
}

/// Reads which conversations somebody has, however long it takes.
async fn conversations(session: &Session) -> Vec<ConversationView> {
    let (mut all, mut page) = (Vec::new(), PageOf { cursor: None, limit: Some(200) });
    loop {
        match session.conversations(&page).await {
            Ok(read) => {
                all.extend(read.items);
                page.cursor = read.next_cursor;
                if page.cursor.is_none() {
                    return all;
                }
            }
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn sign_up(http: &Http, name: &str) -> Result<Session> {
    let (username, password) = (name.to_owned(), Secret::new(PASSWORD));
    http.sign_up(&SignUp { username, password, display_name: None }).await?;
    log_in(http, name).await
}

async fn log_in(http: &Http, name: &str) -> Result<Session> {
    let (username, password) = (name.to_owned(), Secret::new(PASSWORD));
    Ok(Session::log_in(http, &LogIn { username, password, device: None }).await?)
}
