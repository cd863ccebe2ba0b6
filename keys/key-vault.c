/* Azure Key Vault: recovery passwords, passphrases and startup keys that are
 * kept as secrets.
 *
 *   vault:NAME    vault:NAME/SECRET    https://NAME.vault.azure.net[/...]
 *
 * Looked for is, for each volume: secrets that the list (once it has been read)
 * has for its protectors; a secret whose name is the protector's GUID, which
 * needs no list; then the list, and at last what it has for the computer.
 * vault-index.h says what counts.  With SECRET that one alone is asked for.
 *
 * Azure Disk Encryption keeps its startup keys as secrets of the content type
 * "BEK": the file in base64.  One of the type "Wrapped BEK" is encrypted by a
 * key of the vault and is refused. [learn.microsoft.com "BitLocker boot errors
 * on an Azure VM": Get-AzKeyVaultSecret, ContentType, the tags MachineName,
 * DiskEncryptionKeyFileName, DiskEncryptionKeyEncryptionKeyURL]
 *
 * A vault that can't be asked rests for a while, so that a thousand VMs do not
 * wait for its silence one after the other. */

#include "key-vault.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <azure-credentials/credentials.h>
#include <base/text.h>
#include <bitlocker/startup-key.h>

#include "vault-index.h"

#define LIMIT_MS      45000
#define CHECK_MS      20000
#define REST_MS       30000
#define LIST_REST_MS  300000
#define MAX_SECRETS   8 /* that are read for one volume */
#define DISABLED      "the secret %s is disabled: enable it in the vault"
#define UNLISTED      "only secrets whose name is a protector's GUID are found"
#define LINUX_KEYFILE "LinuxPassPhraseFileName"

struct safe {
  pthread_mutex_t mutex; /* of all that follows */
  struct vault_around around;
  struct vault *vault;
  struct vault_index index;
  json_t *config;                 /* of the search for credentials */
  char *secret, *version;         /* of the place */
  struct err *resting, *unlisted; /* why it is not asked, not listed */
  int64_t rest_until_ms, unlisted_until_ms;
};

/* One question. */
struct search {
  const struct key_source *source;
  const struct key_query *query;
  struct key_answer *answer;
  struct safe *safe;
  size_t keys; /* that were found */
  bool denied; /* one secret; the note stands for all */
};

void *
key_vault_data (struct vault_place *place, const struct vault_around *around)
{
  struct safe *safe = xcalloc (1, sizeof *safe);

  pthread_mutex_init (&safe->mutex, NULL);
  safe->around = *around;
  if (safe->around.opaque == NULL)
    safe->around.opaque = safe;
  safe->secret = place->secret ? xstrdup (place->secret) : NULL;
  safe->version = place->version ? xstrdup (place->version) : NULL;
  safe->vault = vault_new (place, &safe->around);
  return safe;
}

static void
close_vault (struct key_source *source)
{
  struct safe *safe = source->data;

  if (safe == NULL)
    return;
  vault_free (safe->vault);
  vault_index_release (&safe->index);
  json_decref (safe->config);
  free (safe->secret);
  free (safe->version);
  err_free (safe->resting);
  err_free (safe->unlisted);
  pthread_mutex_destroy (&safe->mutex);
  free (safe);
}

/* ---- who asks ---- */

/* As for VMs of Azure, but no subscription is needed; the vault says which
 * tenant it is in, which counts where nobody names one. */
static struct credentials *
authenticate (void *opaque, const char *tenant, struct err **err)
{
  struct safe *safe = opaque;
  const char *named = getenv ("AZURE_TENANT_ID");
  struct binding binding = {.config = json_deep_copy (safe->config)};
  struct credentials *found;

  if (tenant && (named == NULL || *named == '\0') &&
      *json_str (binding.config, "tenant", "") == '\0')
    json_put_str (binding.config, "tenant", tenant);
  found = azure_authenticate (&binding, "vault", err);
  json_decref (binding.config);
  return found;
}

static int
open_vault (struct key_source *source, struct err **err)
{
  const json_t *given = json_at (source->settings, "providers.azure");
  CLEANUP_JSON json_t *config = given ? json_deep_copy (given) : json_object ();
  struct vault_around around = {.clock = &real_clock,
                                .authenticate = authenticate};
  struct vault_place place;
  struct safe *safe;
  int r;

  azure_short_options (config);
  json_put_str (config, "ca-file",
                json_str (source->settings, "http.ca_file", NULL));
  r = vault_place_parse (&place, source->place,
                         json_str (config, "cloud", "public"), err);
  if (r == 0)
    json_put_str (config, "cloud", place.cloud->name);
  if (r == -1 || azure_add_cloud (config, err) == -1) {
    vault_place_release (&place);
    return -1;
  }
  around.ca_file = json_str (config, "ca-file", NULL);
  source->data = safe = key_vault_data (&place, &around);
  safe->config = TAKE (config);
  return 0;
}

/* ---- one secret ---- */

static void note (const struct search *s, const char *fmt, ...)
    ATTR_PRINTF (2, 3);

static void
note (const struct search *s, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL, *whole = NULL;
  va_list args;
  json_t *old;
  size_t i;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  whole = xasprintf ("keys from %s: %s", s->source->word, text);
  json_array_foreach (s->answer->notes, i, old)
  {
    if (strcasecmp (json_string_value (old), whole) == 0)
      return;
  }
  json_array_append_new (s->answer->notes, json_string (whole));
}

/* Azure Disk Encryption with a "key encryption key". */
static bool
is_wrapped (const char *content_type, const json_t *tags)
{
  return strcasecmp (content_type, "Wrapped BEK") == 0 ||
         *json_str (tags, "DiskEncryptionKeyEncryptionKeyURL", "");
}

static void
refuse_wrapped (const struct search *s, const char *name, const json_t *tags)
{
  CLEANUP_FREE char *key = text_printable (
      json_str (tags, "DiskEncryptionKeyEncryptionKeyURL", "a key of it"));

  note (s,
        "the secret %s is a startup key that Azure Disk Encryption has wrapped "
        "with %s: unwrap it (unwrapKey, RSA-OAEP), write it to a file "
        "PROTECTOR.BEK, and give its folder with --keys",
        name, key);
}

/* A startup key in base64, or a passphrase that Azure Disk Encryption made for
 * Linux.  False: it is neither.  (That the latter is in base64, too, is a guess
 * by what people write who unwrapped one; a VM encrypted that way would tell.)
 */
static bool
take_encoded (struct search *s, const char *where,
              const struct vault_secret *secret)
{
  bool linux_key =
      strcmp (json_str (secret->tags, "DiskEncryptionKeyFileName", ""),
              LINUX_KEYFILE) == 0;
  unsigned char *bytes = NULL;
  size_t len = 0;
  bool taken = false;

  if (base64_decode (secret->value->data, &bytes, &len) == 0 &&
      (linux_key || startup_key_looks_like (bytes, len))) {
    key_answer_add_any (s->answer, s->source, where, s->query, bytes, len);
    taken = true;
  }
  if (bytes)
    wipe (bytes, len);
  free (bytes);
  return taken;
}

/* `protector`: whose it is by its name or tags; NULL: not known. */
static void
take_value (struct search *s, const struct vault_secret *secret,
            const char *protector)
{
  CLEANUP_FREE char *where = xasprintf ("secret %s", secret->name);
  size_t before = json_array_size (s->answer->keys);
  size_t len = strcspn (secret->value->data, "\r\n");

  if (is_wrapped (secret->content_type, secret->tags))
    refuse_wrapped (s, secret->name, secret->tags);
  else if (take_encoded (s, where, secret) ||
           strcasecmp (secret->content_type, "BEK") == 0) {
    if (json_array_size (s->answer->keys) == before)
      note (s, "the secret %s holds no startup key of this volume",
            secret->name);
  } else if (protector && len)
    key_answer_add (s->answer, s->source, where, protector, secret->value->data,
                    len);
  else if (len)
    key_answer_add_any (s->answer, s->source, where, s->query,
                        secret->value->data, secret->value->len);
  else
    note (s, "the secret %s is empty", secret->name);
  s->keys += json_array_size (s->answer->keys) - before;
}

/* What is wrong with one secret is a note (roles may be for single secrets,
 * too); -1: with the vault. */
static int
read_secret (struct search *s, const char *name, const char *version,
             const char *protector, struct err **err)
{
  CLEANUP_VAULT_SECRET struct vault_secret secret = {0};
  CLEANUP_ERR struct err *why = NULL;
  int r = vault_get (s->safe->vault, name, version, &secret, &why);

  if (r == 1)
    take_value (s, &secret, protector);
  else if (r == -1 && (why->code == ERR_REFUSED || why->code == ERR_DENIED)) {
    if (why->code == ERR_REFUSED)
      note (s, DISABLED, name);
    else if (!s->denied)
      note (s, "%s", why->msg);
    s->denied = s->denied || why->code == ERR_DENIED;
  } else if (r == -1)
    return err_move (err, TAKE (why));
  return 0;
}

/* ---- what is asked for ---- */

/* Of each protector: `act` until one has a key. */
static int
each_protector (struct search *s,
                int (*act) (struct search *s, const char *guid,
                            struct err **err),
                struct err **err)
{
  json_t *protector;
  size_t i;

  json_array_foreach (json_object_get (s->query->volume, "protectors"), i,
                      protector)
  {
    if (act (s, json_str (protector, "guid", ""), err) == -1)
      return -1;
    if (s->answer->named)
      return 0;
  }
  return 0;
}

static int
by_place (struct search *s, const char *guid, struct err **err)
{
  const struct safe *safe = s->safe;
  CLEANUP_FREE char *name =
      vault_place_fill (safe->secret, guid, s->query->computer,
                        s->query->vm_name);

  if (name == NULL)
    return 0;
  return read_secret (s, name, safe->version,
                      strstr (safe->secret, "{protector}") ? guid : NULL, err);
}

static int
by_name (struct search *s, const char *guid, struct err **err)
{
  /* what a guest wrote is no part of an address */
  if (!guid_is_text (guid))
    return 0;
  return read_secret (s, guid, NULL, guid, err);
}

static int
read_rows (struct search *s, const struct row_vec *found, const char *protector,
           struct err **err)
{
  const json_t *rows = vault_rows (s->safe->vault);

  for (size_t i = 0; i < found->len && i < MAX_SECRETS; i++) {
    const json_t *row = json_array_get (rows, found->ptr[i]);
    const char *name = json_str (row, "name", "");

    if (is_wrapped (json_str (row, "content_type", ""),
                    json_object_get (row, "tags")))
      refuse_wrapped (s, name, json_object_get (row, "tags"));
    else if (!json_bool (row, "enabled", true))
      note (s, DISABLED, name);
    else if (read_secret (s, name, NULL, protector, err) == -1)
      return -1;
  }
  return 0;
}

static int
by_list (struct search *s, const char *guid, struct err **err)
{
  struct row_vec found = VEC_EMPTY;
  int r;

  vault_index_guid (&s->safe->index, guid, &found);
  r = read_rows (s, &found, guid, err);
  row_vec_release (&found);
  return r;
}

static int
by_computer (struct search *s, struct err **err)
{
  struct row_vec found = VEC_EMPTY;
  int r;

  vault_index_computer (&s->safe->index, s->query->computer, &found);
  vault_index_computer (&s->safe->index, s->query->vm_name, &found);
  r = read_rows (s, &found, NULL, err);
  row_vec_release (&found);
  return r;
}

static int64_t
now_ms (const struct safe *safe)
{
  return clock_now_ms (safe->around.clock);
}

/* Reads the list, or what is still to be read of it. */
static int
update_list (struct safe *safe, struct err **err)
{
  const json_t *rows;
  CLEANUP_ERR struct err *why = NULL;
  int r = vault_list (safe->vault, &rows, &why);

  vault_index_update (&safe->index, rows);
  if (r == 0)
    return 0;
  if (why->code == ERR_DENIED) {
    err_free (TAKE (safe->unlisted));
    safe->unlisted = err_copy (why);
    safe->unlisted_until_ms = now_ms (safe) + LIST_REST_MS;
  }
  err_move (err, TAKE (why));
  if (safe->unlisted && now_ms (safe) < safe->unlisted_until_ms)
    return err_wrap (err, UNLISTED);
  return -1;
}

/* Without the list, names are left. */
static int
need_list (struct search *s, struct err **err)
{
  struct safe *safe = s->safe;
  CLEANUP_ERR struct err *why = NULL;

  if (safe->unlisted && now_ms (safe) < safe->unlisted_until_ms) {
    note (s, UNLISTED ": %s", safe->unlisted->msg);
    return 0;
  }
  if (update_list (safe, &why) == 0)
    return 0;
  if (why->code != ERR_DENIED &&
      (why->code != ERR_TIMEOUT || safe->index.rows == 0))
    return err_move (err, TAKE (why));
  if (why->code == ERR_TIMEOUT) {
    note (s, "%zu secrets of its list have been read so far", safe->index.rows);
    vault_begin (safe->vault, LIMIT_MS / 3);
  } else
    note (s, "%s", why->msg);
  return 0;
}

static int
search (struct search *s, struct err **err)
{
  struct safe *safe = s->safe;
  bool listed = vault_is_listed (safe->vault);

  if (safe->secret)
    return strstr (safe->secret, "{protector}")
               ? each_protector (s, by_place, err)
               : by_place (s, NULL, err);
  if (listed && each_protector (s, by_list, err) == -1)
    return -1;
  if (s->keys == 0 && each_protector (s, by_name, err) == -1)
    return -1;
  if (s->keys == 0 && !listed &&
      (need_list (s, err) == -1 || each_protector (s, by_list, err) == -1))
    return -1;
  return s->keys == 0 ? by_computer (s, err) : 0;
}

/* -1: it rests, or rests from now on. */
static int
rest (struct safe *safe, struct err **err)
{
  if (safe->resting == NULL) {
    safe->resting = err_copy (*err);
    safe->rest_until_ms = now_ms (safe) + REST_MS;
    return -1;
  }
  if (now_ms (safe) >= safe->rest_until_ms) {
    err_free (TAKE (safe->resting));
    return 0;
  }
  return err_move (err, err_copy (safe->resting));
}

static int
find_vault (const struct key_source *source, const struct key_query *query,
            struct key_answer *answer, struct err **err)
{
  struct safe *safe = source->data;
  struct search s = {source, query, answer, safe, 0, false};
  CLEANUP_ERR struct err *why = NULL;
  int r = 0;

  pthread_mutex_lock (&safe->mutex);
  if (safe->resting)
    r = rest (safe, &why);
  if (r == 0) {
    vault_begin (safe->vault, LIMIT_MS);
    r = search (&s, &why);
    if (r == -1)
      rest (safe, &why);
  }
  pthread_mutex_unlock (&safe->mutex);
  return r == -1 ? err_move (err, TAKE (why)) : 0;
}

/* Before it is needed: a wrong name or a missing role shows while nothing has
 * been stopped yet. */
static int
check_vault (const struct key_source *source, struct err **err)
{
  struct safe *safe = source->data;
  CLEANUP_ERR struct err *why = NULL;
  int r;

  pthread_mutex_lock (&safe->mutex);
  vault_begin (safe->vault, CHECK_MS);
  r = safe->secret ? vault_sign_in (safe->vault, &why)
                   : update_list (safe, &why);
  if (r == -1 && why->code == ERR_TIMEOUT && safe->index.rows)
    r = 0; /* it is a long list */
  else if (r == -1 && why->code != ERR_DENIED && safe->resting == NULL)
    rest (safe, &why);
  pthread_mutex_unlock (&safe->mutex);
  return r == -1 ? err_move (err, TAKE (why)) : 0;
}

const struct key_source_kind key_vault = {"vault:", open_vault, find_vault,
                                          close_vault, check_vault};
const struct key_source_kind key_vault_url = {"https://", open_vault,
                                              find_vault, close_vault,
                                              check_vault};
