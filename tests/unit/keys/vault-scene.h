/* An Azure Key Vault in memory: the fake cloud behind a source of keys, with
 * tokens from the fake's own token service. */

#ifndef BOOTMEND_TEST_VAULT_SCENE_H
#define BOOTMEND_TEST_VAULT_SCENE_H

#include <base/strbuf.h>
#include <fake-cloud/fake-cloud.h>
#include <keys/key-vault.h>

#define GUID_A "64311DEA-4587-4029-924A-BA299647998E"
#define GUID_B "03020100-0504-0706-0809-0A0B0C0D0008"
#define TENANT "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

struct vault_scene {
  struct fake_clock clock;
  struct fake_cloud *cloud;
  struct transport *transport;
  struct key_source source;
  struct key_answer answer; /* of the last question */
  struct err *err;          /* of it; NULL: none */
  struct strbuf calls;      /* "list - ", "get NAME ", "token ": "-" unsigned */
  char *tenant;     /* that a token was asked of; NULL: none was named */
  const char *body; /* what is answered instead to signed calls */
  const char *guid; /* the volume's protector: GUID_A */
  bool no_token;    /* nobody has credentials */
};

/* A vault "corp" with these secrets, as the configuration of the fake has them
 * (' stands for "); `how`: its part "vault", NULL: as usual; `word`: what is
 * behind "vault:". */
void vault_scene_init (struct vault_scene *s, const char *word,
                       const char *secrets, const char *how);
void vault_scene_release (struct vault_scene *s);
#define CLEANUP_SCENE CLEANUP (vault_scene_release)

/* Asks for the keys of a BitLocker volume of PC-7, VM web-1, with one
 * protector; `luks`: of a LUKS volume of that id.  Returns how many there are.
 */
size_t vault_scene_ask (struct vault_scene *s, bool luks);
/* Of the answer: keys[i].field; all notes in one text, to be freed. */
const char *vault_scene_key (const struct vault_scene *s, size_t i,
                             const char *field);
char *vault_scene_notes (const struct vault_scene *s);
/* Control of the fake, ' stands for ". */
void vault_scene_control (struct vault_scene *s, const char *text);

#endif
