/* Where the keys of encrypted volumes come from.
 *
 * An operator names sources, and they are asked in that order:
 *
 *   FILE.csv, csv:FILE   an export of Active Directory, Intune, MBAM or another
 *                        list: a column for the protector's GUID, one for the
 *                        key, one for the computer, found by their headers
 *   command:PROGRAM      a program of the operator's (a password safe)
 *   FOLDER               startup keys, GUID.BEK
 *   FILE, file:FILE      one key for all
 *   env:NAME             the same, from the environment
 *   ldap[s|i]://...      Active Directory: msFVE-RecoveryInformation
 *   vault:NAME, https:// an Azure Key Vault (key-vault.c)
 *
 * What is stored (in a campaign's journal) are these words; the keys stay in
 * memory, in base/secret.h.  Another kind of source is one more row of the
 * table in keys.c. */

#ifndef BOOTMEND_KEYS_H
#define BOOTMEND_KEYS_H

#include <base/json.h>

struct key_sources;

/* `words`: array of the texts above; NULL or empty: there are none.  Strict: a
 * source that can't be read is an error (ERR_USAGE, ERR_NOT_FOUND, ...); else
 * it is told in the notes of each answer, as for a campaign that is resumed
 * after its list was deleted.  Call it before threads are started: keys are
 * taken out of the environment.
 *
 * `settings`: a campaign's data or the like, of which the members count that
 * say how clouds are called: {http: {ca_file}, providers: {azure: {...}}}; may
 * be NULL. */
struct key_sources *key_sources_new (const json_t *words,
                                     const json_t *settings, bool strict,
                                     struct err **err) ATTR_USE;
void key_sources_free (struct key_sources *sources);
#define CLEANUP_KEY_SOURCES CLEANUP (cleanup_key_sources)
void cleanup_key_sources (struct key_sources **sources);

/* Asks sources that are far away whether they can be asked, so that a wrong
 * word shows before it is needed: each that can't is a warning, as others may
 * have what it does not give.  Blocks, for 20 s per source at most, or as long
 * as the search for credentials takes. */
void key_sources_check (const struct key_sources *sources);

/* Does a word name a vault of Azure?  Then who asks needs rights there. */
bool key_word_is_vault (const char *word);

bool key_sources_any (const struct key_sources *sources);

/* Looks for keys of these volumes ("volumes" of protocol/protocol.h) of the VM
 * with that id and name (either may be NULL): an object {keys, notes} for the
 * answer to an agent.  Blocks, for about a minute per source at most; may be
 * called from several threads at once.  Never fails: what can't be asked is a
 * note.  NULL sources: nothing is found. */
json_t *key_sources_find (const struct key_sources *sources,
                          const json_t *volumes, const char *vm_id,
                          const char *vm_name) ATTR_USE;

#endif
