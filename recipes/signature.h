/* Signatures of recipe files, and where a recipe comes from.
 *
 * FILE.json.sig beside a recipe file is a JSON object
 *
 *   { bootmend: 1, kind: "recipe-signature", algorithm: "ed25519",
 *     key: id of the signer's key, file_sha256, recipe_sha256,
 *     signature: base64 }
 *
 * The signature is over the line "bootmend recipe signature 1", the sum of the
 * file's bytes and the sum of the recipe's canonical JSON.  The first makes
 * every changed byte of the file count; the second can be checked again by an
 * agent, who gets the recipe and never sees the file.
 *
 * What is known of a recipe's origin travels with it, into the plan, the
 * journal and to the agent:
 *
 *   origin = { kind: "built-in" | "signed" | "unsigned",
 *              sha256: of the recipe (canonical),
 *              signer: name of the key, signature: {...}, public_key: base64 }
 */

#ifndef BOOTMEND_RECIPE_SIGNATURE_H
#define BOOTMEND_RECIPE_SIGNATURE_H

#include "keys.h"
#include "recipe.h"

/* The signature of a recipe file, as JSON.  ERR_INPUT: it is no good recipe. */
json_t *signature_make (const char *path, const struct signing_key *key,
                        struct err **err) ATTR_USE;
/* "FILE.sig" */
char *signature_path (const char *path);

/* Where a recipe comes from, that recipe_find (name_or_path) and recipe_new
 * gave.  ERR_REFUSED: it has a signature that is not good, or not of a trusted
 * key; that is never taken for "unsigned". */
json_t *origin_find (const char *name_or_path, const struct recipe *recipe,
                     const struct trusted_key_vec *keys,
                     struct err **err) ATTR_USE;

/* May this recipe be carried out?  Looks at it all again, and believes the
 * origin nothing: a built-in recipe has to be one of this program, a signature
 * has to be good, and of a key among `trusted` (NULL: there is no such list
 * here, whoever asks has looked).  ERR_REFUSED says why not and what to do. */
int origin_check (const json_t *origin, const struct recipe *recipe,
                  bool allow_unsigned, const struct trusted_key_vec *trusted,
                  struct err **err) ATTR_USE;

/* "built in", "signed by NAME (key ID)", "not signed"; to be freed. */
char *origin_text (const json_t *origin);

#endif
