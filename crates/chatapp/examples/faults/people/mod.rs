//! People who chat in pairs and groups, and what they know afterwards.

pub(crate) mod device;
pub(crate) mod knowledge;
mod socket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use client::{Device as PushDevice, Http, Session};
use protocol::account::{LogIn, Secret, SignUp};
use protocol::conversation::CreateConversation;
use protocol::{ConversationId, Position, Username};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::device::{Acked, Device, Habits, Phase, Tally, To};

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
    /// Those of the groups that they were made with.
    members: BTreeMap<ConversationId, BTreeSet<Username>>,
    /// Reads where everybody has to come back to.
    reader: BTreeMap<Username, Session>,
}

/// Everything that is known when nobody talks any more.
pub(crate) struct Story {
    /// The devices, with what they know.
    pub(crate) devices: Vec<Device>,
    /// The history of each conversation, as each member who was there read it.
    pub(crate) histories: BTreeMap<ConversationId, Vec<(String, Vec<(Position, String)>)>>,
    /// Who is in which conversation.
    pub(crate) members: BTreeMap<ConversationId, BTreeSet<Username>>,
    /// Those who were never connected.
    pub(crate) away: Vec<Username>,
}

const PASSWORD: &str = "correct-horse-battery-9";

impl People {
    /// Signs everybody up, makes the groups, and lets them begin; they are spread over the apis.
    pub(crate) async fn begin(apis: &[String], plan: &Plan) -> Result<Self> {
        let mut dice = StdRng::seed_from_u64(plan.seed);
        let (mut talkers, mut away) = (Vec::new(), Vec::new());
        for number in 0..plan.talkers + plan.away {
            let is_talker = number < plan.talkers;
            let name = format!("{}{number}", if is_talker { "p" } else { "away" });
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
            members: BTreeMap::new(),
            reader: talkers.iter().map(|session| (session.username(), session.clone())).collect(),
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
            if partner != names[number] {
                to.extend([To::User(partner.clone()), To::User(partner)]);
            }
            if number == 0 && !self.away.is_empty() {
                to.push(To::User(self.away[dice.random_range(0..self.away.len())].clone()));
            }
            let leaves = plan.leave && number % 3 == 2;
            self.begin_device(session.clone(), "", Habits { to, pause: plan.pause, leaves }, dice);
            if number == 1 {
                // Another device of the same person, which only listens.
                let habits = Habits { to: Vec::new(), pause: plan.pause, leaves: false };
                self.begin_device(log_in(session.http(), names[number].as_str()).await?, "-phone", habits, dice);
            }
        }
        Ok(())
    }

    fn begin_device(&mut self, session: Session, suffix: &str, habits: Habits, dice: &mut StdRng) {
        let name = format!("{}{suffix}", session.username());
        let dice = StdRng::seed_from_u64(dice.random());
        let world = (self.phase.subscribe(), self.tally.clone(), self.start);
        self.devices.spawn(Device::new(name, session, habits, dice, world).run());
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
        // Nobody knows all conversations: each device stays until it knows what its user can read.
        let ends = timeout(patience, self.ends()).await.context("the conversations cannot be read")?;
        let mut devices = Vec::new();
        self.phase.send_replace(Phase::ComeBack(Arc::new(ends)));
        let come_back = async {
            while let Some(device) = self.devices.join_next().await {
                devices.push(device);
            }
        };
        timeout(patience, come_back).await.context("somebody does not get to see everything")?;
        let devices: Vec<Device> = devices.into_iter().collect::<Result<_, _>>()?;
        for acked in devices.iter().flat_map(|device| device.acked.iter().map(move |acked| (device, acked))) {
            if let (device, Acked { to: To::User(other), conversation, .. }) = acked {
                self.members.entry(*conversation).or_default().extend([device.user.clone(), other.clone()]);
            }
        }
        let mut histories: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, members) in &self.members {
            for device in devices.iter().filter(|device| members.contains(&device.user)) {
                let read = timeout(patience, device.history(*id, 0)).await;
                let read = read.context("a history cannot be read")?;
                histories.entry(*id).or_default().push((device.name.clone(), read));
            }
        }
        Ok(Story { devices, histories, members: self.members, away: self.away })
    }
}
