// What every page has: small helpers on plain HTML. Pages work without them.
import { startDialogs } from './app/dialogs.js';
import { startForms } from './app/forms.js';
import { startKeys } from './app/keys.js';
import { startLists } from './app/lists.js';
import { startNotes } from './app/notes.js';
import { startSwaps } from './app/swaps.js';

startSwaps();
startDialogs();
startForms();
startKeys();
startLists();
startNotes();
