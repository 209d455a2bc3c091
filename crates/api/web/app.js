// The web client: puts the parts together and shows them whenever something has changed.

import { listed, summary } from './modules/model/text.js';
import { Chat } from './modules/server/chat.js';
import { Login } from './modules/server/login.js';
import { People } from './modules/server/people.js';
import { Presence } from './modules/server/presence.js';
import { showAccount } from './modules/view/account.js';
import { Composer } from './modules/view/composer.js';
import { dialogs } from './modules/view/dialogs.js';
import { announce, byId, setText } from './modules/view/dom.js';
import { opened, rename } from './modules/view/place.js';
import { Sidebar } from './modules/view/sidebar.js';
import { Thread } from './modules/view/thread.js';

/** Changes that come this close to each other are shown together, in milliseconds. */
const TOGETHER_MS = 16;

/** What is said while there is no connection. */
const CONNECTION = {
  connecting: 'Connecting…',
  waiting: 'No connection. Trying again…',
  replaced: 'You have opened ChatApp in too many places; this one was left out.',
  forbidden: 'The server does not let you connect.',
  misunderstood: 'The server does not understand this page. Load it anew.',
};

function run(login) {
  const changed = soon(() => render());
  const people = new People(login, changed);
  const presence = new Presence(login, changed);
  const chat = new Chat(login, { changed, heard });
  const { conversations, link } = chat;

  const titleOf = (conversation) => {
    if (conversation.kind === 'direct') return people.nameOf(conversations.other(conversation));
    const others = conversation.members.filter(({ username }) => username !== conversations.me);
    return conversation.title ?? (listed(others.map(({ username }) => people.nameOf(username))) || 'Group');
  };
  const composer = new Composer({ chat, people, lastOwn: () => thread.lastOwn() });
  const details = dialogs({ login, chat, presence, people });
  const thread = new Thread({
    chat,
    presence,
    people,
    composer,
    titleOf,
    changed,
    details: (group) => details.open(group),
  });
  const sidebar = new Sidebar({ login, chat, presence, people, titleOf, changed });

  function heard(conversation, message) {
    const name = people.nameOf(message.from);
    announce(
      conversation.kind === 'group'
        ? `${name} in ${titleOf(conversation)}: ${summary(message)}`
        : `${name}: ${summary(message)}`,
    );
  }

  /** Gives what is open; a way to a user becomes the conversation with that user once there is one. */
  function placed() {
    const place = opened();
    const made = place?.to && conversations.direct(place.to);
    if (!made) return place;
    rename(made);
    composer.follow({ id: made.id });
    return { id: made.id };
  }

  function render() {
    if (login.isOver) return;
    const place = placed();
    const conversation = place?.id && conversations.get(place.id);
    // A conversation that is not there, or not yet: the list is all there is to see.
    const shown = place?.id && !conversation ? undefined : place;
    byId('chat').classList.toggle('in-thread', Boolean(shown));
    sidebar.render(shown);
    thread.render(shown, conversation);
    details.render();
    showConnection();
    const unread = conversations.unread();
    document.title = unread > 0 ? `(${unread}) ChatApp` : 'ChatApp';
  }

  function showConnection() {
    const text = CONNECTION[link.state === 'ended' ? link.reason : link.state];
    byId('connection').hidden = !text;
    byId('connect').hidden = link.state !== 'ended';
    setText(byId('connection-text'), text ?? '');
  }

  login.addEventListener('ended', () => {
    history.replaceState(null, '', location.pathname);
    location.reload();
  });
  byId('connect').addEventListener('click', () => link.start());
  for (const kind of ['hashchange', 'focus']) window.addEventListener(kind, changed);
  document.addEventListener('visibilitychange', changed);
  byId('chat').hidden = false;
  render();
  chat.start();
  presence.start();
}

/** Gives a function that runs `action` a moment after it is called, however often that happens. */
function soon(action) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      action();
    }, TOGETHER_MS);
  };
}

const login = Login.restore();
if (login) run(login);
else showAccount(run);
