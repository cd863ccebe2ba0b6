#include "manifest.h"

#include <string.h>

#include <base/files.h>

#define VERSION   1
#define MAX_BYTES (16 * 1024 * 1024)

static const struct {
  const char *name;
  unsigned next; /* bits 1 << state */
} states[] = {
    [MANIFEST_NONE] = {"none", 1 << MANIFEST_BEGUN},
    /* begun again: the run before came to nothing */
    [MANIFEST_BEGUN] = {"begun", 1 << MANIFEST_BEGUN | 1 << MANIFEST_COMMIT},
    /* undo-commit: the commit failed and is taken back at once */
    [MANIFEST_COMMIT] = {"commit",
                         1 << MANIFEST_DONE | 1 << MANIFEST_UNDO_COMMIT},
    [MANIFEST_DONE] = {"done", 1 << MANIFEST_UNDO_COMMIT},
    [MANIFEST_UNDO_COMMIT] = {"undo-commit", 1 << MANIFEST_UNDONE},
    [MANIFEST_UNDONE] = {"undone", 0},
};

void
manifest_release (struct manifest *manifest)
{
  json_decref (manifest->json);
  manifest->json = NULL;
}

const char *
manifest_state_name (enum manifest_state state)
{
  return states[state].name;
}

bool
manifest_may_follow (enum manifest_state from, enum manifest_state to)
{
  return states[from].next & 1U << to;
}

static int
state_from_name (const char *name)
{
  for (size_t i = MANIFEST_BEGUN; i < ARRAY_SIZE (states); i++)
    if (name && strcmp (states[i].name, name) == 0)
      return (int)i;
  return -1;
}

int
manifest_load (const char *evidence, struct manifest *manifest,
               struct err **err)
{
  CLEANUP_FREE char *path = path_join (evidence, EVIDENCE_MANIFEST);
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *json = json_parse_file (path, MAX_BYTES, &why);
  int state;

  manifest->state = MANIFEST_NONE;
  manifest->json = NULL;
  if (json == NULL && why->code == ERR_NOT_FOUND) {
    manifest->json = json_object ();
    return 0;
  }
  if (json == NULL)
    return err_move (err, TAKE (why));
  if (json_int (json, "version", 0) != VERSION)
    return err_set (err, ERR_INPUT,
                    "%s: version %lld, this program knows version %d", path,
                    (long long)json_int (json, "version", 0), VERSION);
  state = state_from_name (json_str (json, "state", NULL));
  if (state == -1)
    return err_set (err, ERR_INPUT, "%s: no known state", path);
  manifest->state = (enum manifest_state)state;
  manifest->json = TAKE (json);
  return 0;
}

int
manifest_advance (const char *evidence, struct manifest *manifest,
                  enum manifest_state next, struct err **err)
{
  CLEANUP_FREE char *path = path_join (evidence, EVIDENCE_MANIFEST);
  CLEANUP_FREE char *text = NULL;

  if (!manifest_may_follow (manifest->state, next))
    return err_set (err, ERR_INTERNAL, "%s: \"%s\" can't follow \"%s\"", path,
                    states[next].name, states[manifest->state].name);
  json_put_int (manifest->json, "version", VERSION);
  json_put_str (manifest->json, "state", states[next].name);
  text = json_text_pretty (manifest->json);
  if (file_write_atomic (path, text, strlen (text), 0600, err) == -1)
    return -1;
  manifest->state = next;
  return 0;
}
