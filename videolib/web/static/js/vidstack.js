// What we take of the player's library. The build makes one file of it: a page that plays does not wait for forty.
import 'vidstack/player';
import 'vidstack/player/layouts/default';
import 'vidstack/player/ui';

export { LocalMediaStorage } from 'vidstack';
