/* One key in a file or in the environment, and folders of startup keys. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <bitlocker/guid.h>
#include <bitlocker/startup-key.h>

#include "source.h"

void
key_answer_add_any (struct key_answer *answer, const struct key_source *source,
                    const char *where, const struct key_query *query,
                    const void *key, size_t len)
{
  const char *text = key;
  struct startup_key startup;
  char guid[GUID_TEXT];

  if (startup_key_looks_like (key, len)) {
    if (startup_key_parse (key, len, &startup, NULL) == 0) {
      guid_to_text (startup.protector, guid);
      if (key_query_has (query, guid))
        key_answer_add (answer, source, where, guid, key, len);
    }
    wipe (&startup, sizeof startup);
    return;
  }
  /* of LUKS the agent tries both, a newline may belong to a key file */
  if (strcmp (json_str (query->volume, "encryption", ""), "BitLocker") == 0)
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
      len--;
  if (len)
    key_answer_add (answer, source, where, NULL, key, len);
}

static int
open_file (struct key_source *source, struct err **err)
{
  if (access (source->place, R_OK) == 0)
    return 0;
  return err_set_errno (err, errno, "%s", source->place);
}

/* Read at each question: a better one may have been put there. */
static int
find_file (const struct key_source *source, const struct key_query *query,
           struct key_answer *answer, struct err **err)
{
  CLEANUP_SECRET struct secret *key =
      secret_read_file (source->place, KEY_MAX_BYTES, err);

  if (key == NULL)
    return -1;
  key_answer_add_any (answer, source, NULL, query, key->data, key->len);
  return 0;
}

const struct key_source_kind key_file = {"file:", open_file, find_file, NULL};

static int
try_bek (const struct key_source *source, const char *guid,
         const struct key_query *query, struct key_answer *answer)
{
  CLEANUP_FREE char *name = xasprintf ("%s.BEK", guid);
  CLEANUP_FREE char *path = path_join (source->place, name);
  CLEANUP_SECRET struct secret *key = NULL;

  if (access (path, F_OK) == -1)
    return 0;
  key = secret_read_file (path, STARTUP_KEY_MAX, NULL);
  if (key)
    key_answer_add_any (answer, source, name, query, key->data, key->len);
  return key != NULL;
}

/* Windows names them in capitals; a copy may have been renamed. */
static int
find_folder (const struct key_source *source, const struct key_query *query,
             struct key_answer *answer, struct err **err)
{
  json_t *protector;
  size_t i;

  (void)err;
  json_array_foreach (json_object_get (query->volume, "protectors"), i,
                      protector)
  {
    CLEANUP_FREE char *guid = xstrdup (json_str (protector, "guid", ""));

    if (strchr (guid, '/') || try_bek (source, guid, query, answer))
      continue;
    for (char *p = guid; *p; p++)
      *p = (char)tolower ((unsigned char)*p);
    (void)try_bek (source, guid, query, answer);
  }
  return 0;
}

const struct key_source_kind key_folder = {"folder:", open_file, find_folder,
                                           NULL};

/* Taken out of the environment, so that no child gets it. */
static int
open_env (struct key_source *source, struct err **err)
{
  char *value = getenv (source->place);

  if (value == NULL || *value == '\0')
    return err_set (err, ERR_NOT_FOUND,
                    "the environment has no variable of this name");
  source->data = secret_new (value, strlen (value));
  wipe (value, strlen (value));
  unsetenv (source->place);
  return 0;
}

static int
find_env (const struct key_source *source, const struct key_query *query,
          struct key_answer *answer, struct err **err)
{
  const struct secret *key = source->data;

  (void)err;
  key_answer_add_any (answer, source, NULL, query, key->data, key->len);
  return 0;
}

static void
close_env (struct key_source *source)
{
  secret_free (source->data);
}

const struct key_source_kind key_env = {"env:", open_env, find_env, close_env};
