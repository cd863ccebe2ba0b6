#include "keys.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <base/log.h>
#include <base/text.h>
#include <base/vec.h>
#include <bitlocker/guid.h>
#include <bitlocker/startup-key.h>

#include "source.h"

/* A kind's prefix decides; then what a path looks like. */
static const struct key_source_kind *const kinds[] = {
    &key_csv,  &key_command, &key_folder, &key_file,  &key_env,
    &key_ldap, &key_ldaps,   &key_ldapi,  &key_vault, &key_vault_url,
};

DEFINE_VEC (struct key_source, key_source_vec);

struct key_sources {
  struct key_source_vec all;
};

static bool
ends_in_csv (const char *word)
{
  size_t len = strlen (word);

  return len > 4 && strcasecmp (word + len - 4, ".csv") == 0;
}

static const struct key_source_kind *
kind_of (const char *word, const char **place)
{
  struct stat st;

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
    size_t len = strlen (kinds[i]->prefix);

    if (strncmp (word, kinds[i]->prefix, len) == 0) {
      /* the address of a server is the whole word */
      *place = strstr (kinds[i]->prefix, "://") ? word : word + len;
      return kinds[i];
    }
  }
  *place = word;
  if (ends_in_csv (word))
    return &key_csv;
  return stat (word, &st) == 0 && S_ISDIR (st.st_mode) ? &key_folder
                                                       : &key_file;
}

bool
key_word_is_vault (const char *word)
{
  const char *place;
  const struct key_source_kind *kind = kind_of (word, &place);

  return kind == &key_vault || kind == &key_vault_url;
}

static int
open_source (struct key_sources *sources, const char *word,
             const json_t *settings, bool strict, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  struct key_source source = {.word = xstrdup (word), .settings = settings};
  const char *place;
  int r;

  source.kind = kind_of (word, &place);
  source.place = xstrdup (place);
  r = *place ? source.kind->open (&source, &why)
             : err_set (&why, ERR_USAGE, "it names nothing");
  if (r == -1)
    source.broken = TAKE (why);
  source.settings = NULL;
  key_source_vec_push (&sources->all, source);
  if (r == 0 || !strict)
    return 0;
  return err_set (err, source.broken->code, "--keys %s: %s", word,
                  source.broken->msg);
}

struct key_sources *
key_sources_new (const json_t *words, const json_t *settings, bool strict,
                 struct err **err)
{
  CLEANUP_KEY_SOURCES struct key_sources *sources =
      xcalloc (1, sizeof *sources);
  json_t *word;
  size_t i;

  json_wipe_freed ();
  json_array_foreach (words, i, word)
  {
    if (json_is_string (word) && open_source (sources, json_string_value (word),
                                              settings, strict, err) == -1)
      return NULL;
  }
  unsetenv ("BOOTMEND_LDAP_PASSWORD"); /* no child is to have it */
  return TAKE (sources);
}

void
key_sources_free (struct key_sources *sources)
{
  if (sources == NULL)
    return;
  for (size_t i = 0; i < sources->all.len; i++) {
    struct key_source *source = &sources->all.ptr[i];

    if (source->kind->close)
      source->kind->close (source);
    free (source->word);
    free (source->place);
    err_free (source->broken);
  }
  key_source_vec_release (&sources->all);
  free (sources);
}

void
cleanup_key_sources (struct key_sources **sources)
{
  key_sources_free (*sources);
}

bool
key_sources_any (const struct key_sources *sources)
{
  return sources && sources->all.len > 0;
}

void
key_sources_check (const struct key_sources *sources)
{
  for (size_t i = 0; sources && i < sources->all.len; i++) {
    const struct key_source *source = &sources->all.ptr[i];
    CLEANUP_ERR struct err *why = NULL;

    if (source->broken || source->kind->check == NULL ||
        source->kind->check (source, &why) == 0)
      continue;
    log_warn ("--keys %s: %s", source->word, why->msg);
  }
}

bool
key_host_is_loopback (const char *host)
{
  static const unsigned char loopback[16] = {[15] = 1};
  unsigned char a[16];

  if (strcasecmp (host, "localhost") == 0)
    return true;
  if (inet_pton (AF_INET, host, a) == 1)
    return a[0] == 127;
  return inet_pton (AF_INET6, host, a) == 1 &&
         memcmp (a, loopback, sizeof loopback) == 0;
}

/* A key as bytes or as text, whichever JSON can hold. */
static void
put_key (json_t *json, const void *key, size_t len)
{
  json_t *text = memchr (key, '\0', len) ? NULL : json_stringn (key, len);

  if (text)
    json_put (json, "key", text);
  else {
    char *encoded = base64_encode (key, len);

    json_put_str (json, "key_base64", encoded);
    wipe (encoded, strlen (encoded));
    free (encoded);
  }
}

void
key_answer_add (struct key_answer *answer, const struct key_source *source,
                const char *where, const char *protector, const void *key,
                size_t len)
{
  CLEANUP_FREE char *from =
      where ? xasprintf ("%s %s", source->word, where) : xstrdup (source->word);
  json_t *json = json_object ();

  put_key (json, key, len);
  json_put_str (json, "protector", protector);
  json_put_str (json, "source", from);
  json_array_append_new (answer->keys, json);
  answer->named = answer->named || protector;
}

bool
key_query_has (const struct key_query *query, const char *guid)
{
  json_t *protector;
  size_t i;

  json_array_foreach (json_object_get (query->volume, "protectors"), i,
                      protector)
  {
    const char *text = json_str (protector, "guid", "");

    if (strcasecmp (text, guid) == 0 || guid_text_equal (text, guid))
      return true;
  }
  return false;
}

/* "DESKTOP-1 C: 7/4/2019": the computer's name is the first word. */
static char *
computer_of (const json_t *volume)
{
  const char *text = json_str (volume, "description", "");
  size_t len = strcspn (text, " ");

  return len ? xstrndup (text, len) : NULL;
}

static void
ask_source (const struct key_source *source, const struct key_query *query,
            struct key_answer *answer)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_FREE char *note = NULL;

  if (source->broken == NULL &&
      source->kind->find (source, query, answer, &why) == 0)
    return;
  note = xasprintf ("keys from %s: %s", source->word,
                    source->broken ? source->broken->msg : why->msg);
  json_array_append_new (answer->notes, json_string (note));
}

json_t *
key_sources_find (const struct key_sources *sources, const json_t *volumes,
                  const char *vm_id, const char *vm_name)
{
  struct key_answer answer = {json_array (), json_array (), false};
  json_t *volume;
  size_t v;

  json_array_foreach (volumes, v, volume)
  {
    CLEANUP_FREE char *computer = computer_of (volume);
    struct key_query query = {volume, vm_id, vm_name, computer};

    answer.named = false;
    for (size_t i = 0; sources && i < sources->all.len && !answer.named; i++)
      ask_source (&sources->all.ptr[i], &query, &answer);
  }
  return json_make ("{s:o, s:o}", "keys", answer.keys, "notes", answer.notes);
}
