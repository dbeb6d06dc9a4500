// What every page has: small helpers on plain HTML. Pages work without them.
import { startBulk } from './app/bulk.js';
import { startDialogs } from './app/dialogs.js';
import { startForms } from './app/forms.js';
import { startKeys } from './app/keys.js';
import { startLists } from './app/lists.js';
import { startLive } from './app/live.js';
import { startLooks } from './app/looks.js';
import { startNotes } from './app/notes.js';
import { startSheets } from './app/sheets.js';
import { startPads } from './app/pad.js';
import { startSwaps } from './app/swaps.js';
import { startVerbs } from './app/verbs.js';

startSwaps();
startDialogs();
startForms();
startKeys();
startLists();
startLooks();
startNotes();
startVerbs();
startPads();
startSheets();
startBulk();
startLive();
