#include "job.h"

#include <stdlib.h>
#include <string.h>

#include <base/files.h>
#include <protocol/protocol.h>
#include <recipes/recipe.h>
#include <recipes/signature.h>

static int
one_of (const json_t *request, const char *path, const char *otherwise,
        const char *a, const char *b, const char **ret, struct err **err)
{
  const char *value = json_str (request, path, otherwise);

  if (value == NULL || (strcmp (value, a) != 0 && strcmp (value, b) != 0))
    return err_set (err, ERR_INPUT, "field \"%s\" is neither \"%s\" nor \"%s\"",
                    path, a, b);
  *ret = value;
  return 0;
}

/* A recipe that could be carried out, and that may be: its signature is looked
 * at again here, and where the machine's administrator has put keys, only
 * recipes signed by these count. */
static int
check_one (const json_t *from, bool allow_unsigned, struct err **err)
{
  CLEANUP_TRUSTED_KEYS struct trusted_key_vec keys = VEC_EMPTY;
  CLEANUP_RECIPE struct recipe *recipe =
      recipe_new (json_object_get (from, "recipe"),
                  json_object_get (from, "parameters"), err);

  if (recipe == NULL ||
      trusted_keys_read (TRUSTED_KEYS_MACHINE, &keys, err) == -1)
    return -1;
  if (keys.len && allow_unsigned &&
      origin_check (json_object_get (from, "origin"), recipe, false, &keys,
                    NULL) == -1)
    return err_set (err, ERR_REFUSED,
                    "recipe \"%s\": this helper carries out only what is built "
                    "in or signed by a key in %s",
                    recipe->name, TRUSTED_KEYS_MACHINE);
  return origin_check (json_object_get (from, "origin"), recipe, allow_unsigned,
                       keys.len ? &keys : NULL, err);
}

static int
check_recipe (const json_t *request, enum work_mode mode, struct err **err)
{
  if (mode != WORK_REPORT && mode != WORK_APPLY)
    return 0;
  return check_one (request, json_bool (request, "allow_unsigned", false), err);
}

/* What inspect is to try. */
static int
check_recipes (const json_t *request, struct err **err)
{
  const json_t *list = json_object_get (request, "recipes");
  json_t *one;
  size_t i;

  if (list && !json_is_array (list))
    return err_set (err, ERR_INPUT, "field \"recipes\" is no list");
  json_array_foreach (list, i, one)
  {
    if (check_one (one, json_bool (request, "allow_unsigned", false), err) ==
        -1)
      return err_wrap (err, "recipes[%zu]", i);
  }
  return 0;
}

static int
check_evidence (const json_t *request, enum work_mode mode, struct err **err)
{
  const char *evidence = json_str (request, "evidence", NULL);

  if (mode != WORK_APPLY && mode != WORK_UNDO)
    return 0;
  if (evidence == NULL || *evidence == '\0' || strstr (evidence, ".."))
    return err_set (err, ERR_INPUT,
                    "field \"evidence\" is no path of a folder");
  return 0;
}

/* A controller on another machine does not know where ours may be. */
static void
resolve_evidence (json_t *request)
{
  const char *evidence = json_str (request, "evidence", "/");
  CLEANUP_FREE char *state = NULL, *path = NULL;

  if (*evidence == '/')
    return;
  state = state_folder ();
  path = path_join (state, evidence);
  json_put_str (request, "evidence", path);
}

static int
check_request (const json_t *request, const char **isolation, struct err **err)
{
  const char *name = json_need_str (request, "mode", err);
  int mode = work_mode_from_name (name);
  const char *path, *format;
  const json_t *allow = json_object_get (request, "allow");
  const json_t *dirty = json_object_get (request, "dirty_ntfs");

  if (name == NULL)
    return -1;
  if (mode == -1)
    return err_set (err, ERR_INPUT,
                    "mode \"%s\" is none of inspect, report, "
                    "apply, undo",
                    name);
  path = json_need_str (request, "disk.path", err);
  if (path == NULL)
    return -1;
  if (*path != '/')
    return err_set (err, ERR_INPUT, "disk path \"%s\" is not absolute", path);
  if (dirty && (!json_is_string (dirty) ||
                (strcmp (json_string_value (dirty), "replay") != 0 &&
                 strcmp (json_string_value (dirty), "reset") != 0 &&
                 strcmp (json_string_value (dirty), "refuse") != 0)))
    return err_set (err, ERR_INPUT,
                    "field \"dirty_ntfs\" is none of replay, reset, refuse");
  if (allow && !json_is_array (allow))
    return err_set (err, ERR_INPUT, "field \"allow\" is no list");
  if (one_of (request, "disk.format", NULL, "raw", "qcow2", &format, err) ==
          -1 ||
      one_of (request, "isolation", "shared", "shared", "disk", isolation,
              err) == -1 ||
      check_evidence (request, (enum work_mode)mode, err) == -1)
    return -1;
  if (mode == WORK_INSPECT)
    return check_recipes (request, err);
  return check_recipe (request, (enum work_mode)mode, err);
}

struct job *
job_new (const json_t *request, int64_t limit_ms, const char **id,
         struct err **err)
{
  const char *isolation, *path;
  struct job *job;

  *id = json_str (request, "id", NULL);
  if (*id == NULL || **id == '\0') {
    *id = NULL;
    err_set (err, ERR_PROTOCOL, "a work request has no id");
    return NULL;
  }
  if (check_request (request, &isolation, err) == -1)
    return NULL;
  path = json_str (request, "disk.path", "");
  job = xcalloc (1, sizeof *job);
  job->id = xstrdup (*id);
  job->request = json_copy ((json_t *)request);
  resolve_evidence (job->request);
  job->state = JOB_WAITING;
  job->where = realpath (path, NULL);
  if (job->where == NULL)
    job->where = xstrdup (path); /* the worker will say what is wrong */
  job->domain = xstrdup (json_str (request, "disk.trust_domain", ""));
  /* Who does not say whom it trusts is trusted with nobody. */
  job->alone = strcmp (isolation, "disk") == 0 || *job->domain == '\0';
  job->limit_ms = json_int (request, "limit_ms", 0);
  if (job->limit_ms <= 0)
    job->limit_ms = limit_ms;
  job->stage = -1;
  return job;
}

void
job_free (struct job *job)
{
  if (job == NULL)
    return;
  free (job->id);
  json_decref (job->request);
  free (job->where);
  free (job->domain);
  free (job->lost_before);
  free (job);
}

bool
job_in_commit (const struct job *job)
{
  return job->allowed || job->stage >= protocol_stage_index ("saved");
}

json_t *
result_failed (const char *id, const struct err *err, bool changed)
{
  json_t *result = message_new ("event", "result");

  json_put_str (result, "id", id);
  json_put_str (result, "outcome", work_outcome_name (OUTCOME_FAILED));
  json_put_str (result, "reason", err->msg);
  json_put (result, "error", json_from_err (err));
  json_put_bool (result, "changed", changed);
  return result;
}

void
job_annotate (const struct job *job, json_t *result)
{
  CLEANUP_FREE char *note = NULL;

  json_put_int (result, "tries", job->tries);
  if (job->suspect)
    json_put_bool (result, "suspect", true);
  if (job->lost_before == NULL)
    return;
  note = xasprintf ("tried again in an appliance of its own: %s",
                    job->lost_before);
  json_array_append_new (json_list (result, "notes"), json_string (note));
}
