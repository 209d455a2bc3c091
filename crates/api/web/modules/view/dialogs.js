// The two dialogs: making a group, and who is in one.

import { sentence } from '../model/text.js';
import { path } from '../server/calls.js';
import { byId, h, once, setText } from './dom.js';
import { leave, open } from './place.js';

/** Makes the dialogs work. Gives `details`, which shows who is in a group. `parts`: login, chat, presence, people. */
export function dialogs(parts) {
  for (const button of document.querySelectorAll('[data-close]')) {
    button.addEventListener('click', () => button.closest('dialog').close());
  }
  newGroup(parts);
  return groupDetails(parts);
}

function newGroup({ login, chat, presence, people }) {
  const dialog = byId('group-dialog');
  const member = byId('group-member');
  const problem = byId('group-problem');
  const members = new Set();

  const show = () => {
    const chip = (username) => {
      const remove = () => {
        members.delete(username);
        show();
      };
      const name = people.nameOf(username);
      return h(
        'li',
        {},
        h('button', { class: 'chip', type: 'button', 'aria-label': `Remove ${name}`, onclick: remove }, `${name} ×`),
      );
    };
    byId('group-members').replaceChildren(...[...members].map(chip));
  };

  const add = async () => {
    const username = await existing(login, people, member.value, problem);
    if (!username) return;
    members.add(username);
    member.value = '';
    member.focus();
    show();
  };

  byId('new-group').addEventListener('click', () => {
    members.clear();
    byId('group-form').reset();
    setText(problem, '');
    suggest(chat, presence);
    show();
    dialog.showModal();
  });
  byId('group-add').addEventListener('click', ({ target }) => once(target, add));
  member.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    once(byId('group-add'), add);
  });
  byId('group-form').addEventListener('submit', (event) => {
    event.preventDefault();
    once(event.submitter, async () => {
      // A name that was typed and not added is meant all the same.
      if (member.value.trim()) await add();
      if (member.value.trim()) return;
      try {
        const conversation = await chat.createGroup(byId('group-name').value.trim(), [...members]);
        dialog.close();
        open(conversation);
      } catch (refusal) {
        setText(problem, sentence(refusal));
      }
    });
  });
}

function groupDetails({ login, chat, presence, people }) {
  const dialog = byId('details-dialog');
  const member = byId('details-member');
  const problem = byId('details-problem');
  let shown;

  const show = () => {
    const row = ({ username, role }) =>
      h(
        'li',
        {},
        people.nameOf(username),
        ' ',
        h('span', { class: 'hint' }, role === 'member' ? `@${username}` : `@${username} · ${role}`),
      );
    byId('details-members').replaceChildren(...shown.members.map(row));
    const own = shown.members.find(({ username }) => username === login.user.username);
    byId('details-form').hidden = own?.role === 'member';
  };

  byId('details-form').addEventListener('submit', (event) => {
    event.preventDefault();
    once(event.submitter, async () => {
      const username = await existing(login, people, member.value, problem);
      if (!username) return;
      try {
        await chat.addMember(shown.id, username);
        member.value = '';
      } catch (refusal) {
        setText(problem, sentence(refusal));
      }
    });
  });
  byId('details-leave').addEventListener('click', ({ target }) =>
    once(target, async () => {
      if (!window.confirm('Leave this group?')) return;
      try {
        await chat.leave(shown.id);
        dialog.close();
        leave();
      } catch (refusal) {
        setText(problem, sentence(refusal));
      }
    }),
  );

  return {
    open(conversation) {
      shown = conversation;
      setText(problem, '');
      suggest(chat, presence);
      show();
      dialog.showModal();
    },
    /** Shows who is in the group now, if the dialog is open. */
    render: () => dialog.open && show(),
  };
}

/** Gives the name of a user who exists; else says what is wrong. */
async function existing(login, people, typed, problem) {
  const username = typed.trim().toLowerCase().replace(/^@/, '');
  setText(problem, '');
  if (!username) return undefined;
  try {
    const profile = await login.ask('GET', path('users', username));
    people.learn(profile);
    return profile.username;
  } catch (refusal) {
    const isUnknown = refusal.status === 404 || refusal.status === 422;
    setText(problem, isUnknown ? `There is nobody called ${username}.` : sentence(refusal));
    return undefined;
  }
}

/** Suggests those whom the user knows. */
function suggest({ conversations }, presence) {
  const direct = conversations.sorted().filter(({ kind }) => kind === 'direct');
  const known = [
    ...presence.contacts.map(({ username }) => username),
    ...direct.map((each) => conversations.other(each)),
  ];
  const options = [...new Set(known)].sort().map((value) => h('option', { value }));
  byId('suggestions').replaceChildren(...options);
}
