#include "key-trials.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <bitlocker/unlock.h>

#include "encryption.h"
#include "refuse.h"

#define MAX_KEYS      1000
#define MAX_KEY_BYTES (8 << 20) /* cryptsetup's limit for key files */

/* Of one object {key or key_base64, protector, source}. */
static struct secret *
key_bytes (const json_t *json)
{
  const char *text = json_str (json, "key", NULL);
  CLEANUP_FREE unsigned char *bytes = NULL;
  struct secret *secret;
  size_t len;

  if (text)
    return strlen (text) <= MAX_KEY_BYTES ? secret_new (text, strlen (text))
                                          : NULL;
  text = json_str (json, "key_base64", NULL);
  if (text == NULL || base64_decode (text, &bytes, &len) == -1)
    return NULL;
  secret = len <= MAX_KEY_BYTES ? secret_new (bytes, len) : NULL;
  wipe (bytes, len);
  return secret;
}

void
key_trials_read (struct key_trials *keys, const json_t *answer)
{
  size_t i;
  json_t *json;

  json_array_foreach (answer, i, json)
  {
    struct key_trial key = {.bytes = key_bytes (json)};
    const char *protector = json_str (json, "protector", NULL);

    if (key.bytes == NULL || keys->len == MAX_KEYS) {
      secret_free (key.bytes);
      continue;
    }
    key.protector = protector ? xstrdup (protector) : NULL;
    key.source = text_printable (json_str (json, "source", "the controller"));
    key_trials_push (keys, key);
  }
}

void
key_trials_free (struct key_trials *keys)
{
  for (size_t i = 0; i < keys->len; i++) {
    free (keys->ptr[i].protector);
    free (keys->ptr[i].source);
    secret_free (keys->ptr[i].bytes);
  }
  key_trials_release (keys);
}

/* What a key has to be that is said to open this protector: a recovery
 * password with a letter in it is a mistyped one, not a password. */
static enum fve_key_kind
kind_for (unsigned protector_type)
{
  return protector_type == FVE_RECOVERY_PASSWORD ? FVE_KEY_RECOVERY_PASSWORD
         : protector_type == FVE_STARTUP_KEY     ? FVE_KEY_STARTUP_KEY
                                                 : FVE_KEY_PASSWORD;
}

/* Is this key to be tried on this protector, and as what? */
static bool
is_to_try (const struct key_trial *key, const struct fve_protector *p,
           size_t tried, enum fve_key_kind *kind)
{
  char guid[GUID_TEXT];

  *kind = fve_key_kind_of (key->bytes->data, key->bytes->len);
  if (key->protector == NULL)
    return tried < KEY_TRIALS_BITLOCKER && fve_key_suits (*kind, p->type);
  guid_to_text (p->guid, guid);
  if (!guid_text_equal (key->protector, guid))
    return false;
  *kind = kind_for (p->type);
  return fve_key_suits (*kind, p->type);
}

static char *
name_of (const struct fve_protector *p)
{
  char guid[GUID_TEXT];

  guid_to_text (p->guid, guid);
  return xasprintf ("%s %s", fve_protector_name (p->type), guid);
}

/* A key that was said to be the right one matters more than one that was only
 * tried. */
static void
note_failure (struct encryption *e, const struct key_trial *key,
              const struct fve_protector *p, const struct err *why)
{
  CLEANUP_FREE char *name = name_of (p);

  if (e->refusal && key->protector == NULL && why == NULL)
    return;
  if (why && why->code == ERR_DISK)
    encryption_close (e, REFUSE_UNKNOWN_ENCRYPTION, xstrdup (why->msg));
  else
    encryption_close (e, REFUSE_KEY_WRONG,
                      why ? xasprintf ("%s, from %s: %s", name, key->source,
                                       why->msg)
                          : xasprintf ("%s: the key from %s does not fit", name,
                                       key->source));
}

static bool
try_key (const struct key_trial *key, struct encryption *e, size_t *tried,
         struct secret **volume_key, char **by)
{
  for (size_t i = 0; i < e->fve->n_protectors; i++) {
    const struct fve_protector *p = &e->fve->protectors[i];
    CLEANUP_ERR struct err *why = NULL;
    enum fve_key_kind kind;

    if (!is_to_try (key, p, *tried, &kind))
      continue;
    ++*tried;
    if (fve_unlock (e->fve, p, kind, key->bytes, volume_key, &why) == 1) {
      *by = name_of (p);
      return true;
    }
    note_failure (e, key, p, why);
  }
  return false;
}

bool
key_trials_bitlocker (const struct key_trials *keys, struct encryption *e,
                      struct secret **volume_key, char **by)
{
  size_t tried = 0;

  /* those for this very volume first */
  for (int named = 1; named >= 0; named--)
    for (size_t i = 0; i < keys->len; i++)
      if ((keys->ptr[i].protector != NULL) == named &&
          try_key (&keys->ptr[i], e, &tried, volume_key, by))
        return true;
  return false;
}

bool
key_trial_suits_luks (const struct key_trial *key, const char *uuid)
{
  return key->protector == NULL || strcasecmp (key->protector, uuid) == 0;
}
