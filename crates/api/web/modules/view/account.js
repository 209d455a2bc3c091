// Signing up and logging in.

import { sentence } from '../model/text.js';
import { Login } from '../server/login.js';
import { byId, once, setText } from './dom.js';

const WORDS = {
  logIn: { title: 'Log in', submit: 'Log in', other: 'New here? Sign up' },
  signUp: { title: 'Sign up', submit: 'Sign up', other: 'Have an account? Log in' },
};

/** Shows the form, and gives the login that comes of it to `entered`. */
export function showAccount(entered) {
  const form = byId('account-form');
  const submit = byId('account-submit');
  const problem = byId('account-problem');
  let mode = 'logIn';

  const show = () => {
    const isNew = mode === 'signUp';
    setText(byId('account-title'), WORDS[mode].title);
    setText(submit, WORDS[mode].submit);
    setText(byId('account-switch'), WORDS[mode].other);
    byId('display-name-field').hidden = !isNew;
    byId('password-hint').hidden = !isNew;
    byId('password').autocomplete = isNew ? 'new-password' : 'current-password';
    setText(problem, '');
  };

  const enter = () => {
    const { username, password, display_name: displayName } = Object.fromEntries(new FormData(form));
    if (mode === 'logIn') return Login.logIn(username, password);
    return Login.signUp(username, password, displayName.trim());
  };

  byId('account-switch').addEventListener('click', () => {
    mode = mode === 'logIn' ? 'signUp' : 'logIn';
    show();
    byId('username').focus();
  });

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    once(submit, async () => {
      setText(problem, '');
      try {
        const login = await enter();
        byId('account').hidden = true;
        form.reset();
        entered(login);
      } catch (refusal) {
        setText(problem, sentence(refusal));
      }
    });
  });

  show();
  byId('account').hidden = false;
  byId('username').focus();
}
