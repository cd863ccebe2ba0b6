/* What a recipe wants of the registry; registry.h has the
 * contract. */

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/strbuf.h>
#include <base/text.h>

#include "disk.h"
#include "name-match.h"
#include "refuse.h"
#include "registry.h"

#define MAX_CHANGES 1000

enum {
  REG_SZ = 1,
  REG_EXPAND_SZ = 2,
  REG_BINARY = 3,
  REG_DWORD = 4,
  REG_MULTI_SZ = 7,
  REG_QWORD = 11
};
#define SERVICE_DISABLED 4

/* Drivers without which Windows does not start on any machine.  Those of
 * storage and buses are left to the operator: which are needed depends on the
 * machine. */
static const char *const boot_critical[] = {"ACPI",     "CLFS",     "CNG",
                                            "disk",     "FltMgr",   "fvevol",
                                            "KSecDD",   "mountmgr", "NDIS",
                                            "Ntfs",     "pci",      "partmgr",
                                            "rdyboost", "volmgr",   "volmgrx",
                                            "volsnap",  "volume",   "vdrvroot",
                                            "Wdf01000", NULL};

static int
need_hive (struct disk *disk, const char *name, struct registry_hive **hive,
           struct err **err)
{
  int r = registry_open (disk, name, hive, err);

  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "the registry hive %s is not on this disk", name);
  return r == 1 ? 0 : -1;
}

static int
want (struct disk *disk, struct registry_hive *hive,
      const struct recipe_action *action, struct hive_change change,
      struct err **err)
{
  hive_change_vec_push (&hive->wanted, change);
  if (hive->action == NULL)
    hive->action = action;
  if (hive->wanted.len > MAX_CHANGES)
    return disk_refuse (disk, err, REFUSE_TOO_MANY,
                        "more than %d changes of the registry", MAX_CHANGES);
  return 0;
}

/* Two actions must not speak of the same thing: the second would be planned
 * without the first. */
static int
refuse_twice (const struct registry_hive *hive, const char *key,
              const char *value, struct err **err)
{
  for (size_t i = 0; i < hive->wanted.len; i++) {
    const struct hive_change *c = &hive->wanted.ptr[i];

    if (name_equal (c->key, key, true) && !c->value == !value &&
        (value == NULL || name_equal (c->value, value, true)))
      return err_set (err, ERR_INPUT,
                      "the recipe changes %s%s%s more than once", key,
                      value ? ": " : "", value ? value : "");
  }
  return 0;
}

static unsigned char *
join_lines (const json_t *lines, size_t *len)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  unsigned char *wide;
  size_t i;
  json_t *line;

  json_array_foreach ((json_t *)lines, i, line)
  {
    CLEANUP_FREE unsigned char *one = hive_wide (json_string_value (line), len);

    strbuf_add (&sb, one, *len);
  }
  strbuf_add (&sb, "\0", 2); /* the literal has one zero more */
  *len = sb.len;
  wide = xmemdup (sb.buf, sb.len);
  return wide;
}

/* The bytes that the registry has for this. */
static unsigned char *
encode (int type, const json_t *data, size_t *len)
{
  const json_t *first = json_array_get (data, 0);
  unsigned char *bytes;

  switch (type) {
  case REG_DWORD:
    bytes = xmalloc (*len = 4);
    put_le32 (bytes, (uint32_t)json_integer_value (first));
    return bytes;
  case REG_QWORD:
    bytes = xmalloc (*len = 8);
    put_le64 (bytes, (uint64_t)json_integer_value (first));
    return bytes;
  case REG_BINARY:
    if (hex_decode (json_string_value (first), &bytes, len) == -1) {
      *len = 0;
      return xcalloc (1, 1);
    }
    return bytes;
  case REG_MULTI_SZ:
    return join_lines (data, len);
  default:
    return hive_wide (json_string_value (first), len);
  }
}

/* With "find": the text that is there, changed; NULL: nothing to find. */
static unsigned char *
substitute (const struct hive_tree *tree, const struct hive_value *v,
            const struct recipe_action *action, size_t *len)
{
  CLEANUP_FREE unsigned char *data = hive_data (tree, v, len);
  CLEANUP_FREE char *text = NULL, *changed = NULL;
  char *at;

  if (v->type != REG_SZ && v->type != REG_EXPAND_SZ)
    return NULL;
  text = hive_narrow (data, *len, false);
  at = strstr (text, action->find);
  if (at == NULL)
    return NULL;
  changed = xasprintf ("%.*s%s%s", (int)(at - text), text,
                       action->replace ? action->replace : "",
                       at + strlen (action->find));
  return hive_wide (changed, len);
}

/* The keys on the way that are not there yet. */
static int
want_keys (struct disk *disk, struct registry_hive *hive,
           const struct recipe_action *action, const char *path,
           struct err **err)
{
  for (const char *end = path; *end; end += *end == '\\') {
    CLEANUP_FREE char *part = NULL;

    end += strcspn (end, "\\");
    part = xstrndup (path, (size_t)(end - path));
    if (hive_find_key (&hive->tree, 0, part) != HIVE_NOWHERE)
      continue;
    for (const char *p = part; *p; p++)
      if ((unsigned char)*p >= 0x80) /* hivex hashes such names wrongly */
        return err_set (err, ERR_INPUT, "%s: a new key needs a name in ASCII",
                        part);
    for (size_t i = 0; i < hive->wanted.len; i++)
      if (hive->wanted.ptr[i].kind == HIVE_ADD_KEY &&
          name_equal (hive->wanted.ptr[i].key, part, true)) {
        free (TAKE (part));
        break;
      }
    if (part &&
        want (disk, hive, action,
              (struct hive_change){.kind = HIVE_ADD_KEY, .key = TAKE (part)},
              err) == -1)
      return -1;
  }
  return 0;
}

static int
want_value (struct disk *disk, struct registry_hive *hive,
            const struct recipe_action *action, const char *path,
            const char *name, uint32_t type, unsigned char *data_taken,
            size_t len, struct err **err)
{
  CLEANUP_FREE unsigned char *data = data_taken;
  uint32_t key = hive_find_key (&hive->tree, 0, path), value = HIVE_NOWHERE;

  if (key != HIVE_NOWHERE)
    value = hive_find_value (&hive->tree, key, name);
  if (value != HIVE_NOWHERE) {
    const struct hive_value *v = &hive->tree.values.ptr[value];
    size_t now_len;
    CLEANUP_FREE unsigned char *now = hive_data (&hive->tree, v, &now_len);

    if (v->type == type && now_len == len && memcmp (now, data, len) == 0)
      return 0;
  }
  if (refuse_twice (hive, path, name, err) == -1)
    return -1;
  return want (disk, hive, action,
               (struct hive_change){.kind = HIVE_SET_VALUE,
                                    .key = xstrdup (path),
                                    .value = xstrdup (name),
                                    .type = type,
                                    .data = TAKE (data),
                                    .len = len},
               err);
}

static int
set_one (struct disk *disk, struct registry_hive *hive,
         const struct recipe_action *action, const char *path, struct err **err)
{
  uint32_t key = hive_find_key (&hive->tree, 0, path), value = HIVE_NOWHERE;
  uint32_t type = (uint32_t)action->value_type;
  unsigned char *data;
  size_t len;

  if (key != HIVE_NOWHERE)
    value = hive_find_value (&hive->tree, key, action->value);
  if (key == HIVE_NOWHERE || (action->find && value == HIVE_NOWHERE)) {
    if (action->missing == MISSING_SKIP)
      return 0;
    if (action->missing == MISSING_REFUSE || action->find)
      return disk_refuse (disk, err, REFUSE_NO_MATCH, "%s: %s%s%s is not there",
                          hive->file.path, path, action->find ? ": " : "",
                          action->find ? action->value : "");
    if (want_keys (disk, hive, action, path, err) == -1)
      return -1;
  }
  if (action->find == NULL)
    data = encode (action->value_type, action->data, &len);
  else {
    const struct hive_value *v = &hive->tree.values.ptr[value];

    type = v->type;
    data = substitute (&hive->tree, v, action, &len);
    if (data == NULL)
      return 0;
  }
  return want_value (disk, hive, action, path, action->value, type, data, len,
                     err);
}

static int
want_gone (struct disk *disk, struct registry_hive *hive,
           const struct recipe_action *action, uint32_t key, uint32_t value,
           struct err **err)
{
  struct hive_change change = {.kind = HIVE_REMOVE_KEY};

  change.key = hive_key_path (&hive->tree, key);
  if (value != HIVE_NOWHERE) {
    change.kind = HIVE_REMOVE_VALUE;
    change.value =
        hive_name_text (&hive->tree, hive->tree.values.ptr[value].name);
  }
  if (refuse_twice (hive, change.key, change.value, err) == -1) {
    hive_change_release (&change);
    return -1;
  }
  return want (disk, hive, action, change, err);
}

static int
delete_one (struct disk *disk, struct registry_hive *hive,
            const struct recipe_action *action, const char *path,
            struct err **err)
{
  uint32_t key = hive_find_key (&hive->tree, 0, path), value = HIVE_NOWHERE;

  if (key == HIVE_NOWHERE || (key == 0 && action->value == NULL))
    return 0;
  if (action->value) {
    value = hive_find_value (&hive->tree, key, action->value);
    if (value == HIVE_NOWHERE)
      return 0;
  }
  return want_gone (disk, hive, action, key, value, err);
}

/* Takes a service out of a list of filters.  A device whose filter can't be
 * started does not start either; for a disk that is stop 0x7B.  [Microsoft,
 * "Device filter driver ordering": filters are named in UpperFilters and
 * LowerFilters of a class or device] */
static int
drop_filter (struct disk *disk, struct registry_hive *hive,
             const struct recipe_action *action, uint32_t key, uint32_t value,
             struct err **err)
{
  const struct hive_value *v = &hive->tree.values.ptr[value];
  size_t len;
  CLEANUP_FREE unsigned char *data = hive_data (&hive->tree, v, &len);
  CLEANUP_FREE char *text = hive_narrow (data, len, v->type == REG_MULTI_SZ);
  CLEANUP_FREE char *path = NULL, *name = NULL;
  CLEANUP_JSON json_t *rest = json_array ();
  char *next = text, *line;
  bool found = false;

  while ((line = strsep (&next, "\n")) != NULL) {
    if (strcasecmp (line, action->service) == 0)
      found = true;
    else if (*line)
      json_array_append_new (rest, json_string (line));
  }
  if (!found)
    return 0;
  if (json_array_size (rest) == 0)
    return want_gone (disk, hive, action, key, value, err);
  path = hive_key_path (&hive->tree, key);
  name = hive_name_text (&hive->tree, v->name);
  data = (free (data), join_lines (rest, &len));
  return want_value (disk, hive, action, path, name, v->type, TAKE (data), len,
                     err);
}

static bool
is_filter_list (const struct registry_hive *hive, const struct hive_value *v)
{
  CLEANUP_FREE char *name = NULL;

  if ((v->type != REG_MULTI_SZ && v->type != REG_SZ) ||
      v->name.bytes != (v->name.wide ? 24 : 12))
    return false;
  name = hive_name_text (&hive->tree, v->name);
  return strcasecmp (name, "UpperFilters") == 0 ||
         strcasecmp (name, "LowerFilters") == 0;
}

/* In all classes and devices of one control set. */
static int
drop_filters (struct disk *disk, struct registry_hive *hive,
              const struct recipe_action *action, uint32_t set,
              struct err **err)
{
  const struct hive_tree *tree = &hive->tree;
  CLEANUP_FREE unsigned char *inside = xcalloc (1, tree->keys.len);

  inside[set] = 1;
  /* parents come before their children */
  for (uint32_t k = set + 1; k < tree->keys.len; k++) {
    const struct hive_key *key = &tree->keys.ptr[k];

    inside[k] = inside[key->parent];
    for (uint32_t i = 0; inside[k] && i < key->n_values; i++)
      if (is_filter_list (hive, &tree->values.ptr[key->first_value + i]) &&
          drop_filter (disk, hive, action, k, key->first_value + i, err) == -1)
        return -1;
  }
  return 0;
}

static int
disable_one (struct disk *disk, struct registry_hive *hive,
             const struct recipe_action *action, const char *path,
             struct err **err)
{
  CLEANUP_FREE char *set = xstrndup (path, strcspn (path, "\\"));
  unsigned char *disabled;

  if (hive_find_key (&hive->tree, 0, path) == HIVE_NOWHERE)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "%s: there is no service %s (%s)", hive->file.path,
                        action->service, path);
  disabled = xmalloc (4);
  put_le32 (disabled, SERVICE_DISABLED);
  if (want_value (disk, hive, action, path, "Start", REG_DWORD, disabled, 4,
                  err) == -1)
    return -1;
  return drop_filters (disk, hive, action, hive_find_key (&hive->tree, 0, set),
                       err);
}

static int
refuse_critical (struct disk *disk, const char *service, struct err **err)
{
  for (size_t i = 0; boot_critical[i]; i++)
    if (strcasecmp (boot_critical[i], service) == 0 &&
        !disk_allows (disk, REFUSE_BOOT_CRITICAL))
      return disk_refuse (disk, err, REFUSE_BOOT_CRITICAL,
                          "Windows does not start without its driver %s",
                          boot_critical[i]);
  return 0;
}

static const struct {
  enum recipe_action_kind kind;
  int (*one) (struct disk *disk, struct registry_hive *hive,
              const struct recipe_action *action, const char *path,
              struct err **err);
} kinds[] = {
    {ACTION_REGISTRY_SET, set_one},
    {ACTION_REGISTRY_DELETE, delete_one},
    {ACTION_SERVICE_DISABLE, disable_one},
};

int
registry_plan (struct disk *disk, const struct recipe_action *action,
               struct err **err)
{
  CLEANUP_STRV char **paths = NULL;
  CLEANUP_FREE char *key = NULL;
  struct registry_hive *hive;
  bool service = action->kind == ACTION_SERVICE_DISABLE;

  if (service && refuse_critical (disk, action->service, err) == -1)
    return -1;
  if (action->kind == ACTION_REGISTRY_DELETE ||
      (action->kind == ACTION_REGISTRY_SET &&
       action->missing == MISSING_SKIP)) {
    int r = registry_open (disk, action->hive, &hive, err);

    if (r != 1) /* no hive: nothing to delete or to change */
      return r;
  } else if (need_hive (disk, service ? "SYSTEM" : action->hive, &hive, err) ==
             -1)
    return -1;
  key = service ? xasprintf ("CurrentControlSet\\Services\\%s", action->service)
                : xstrdup (action->key);
  if (registry_resolve (disk, hive, key, &paths, err) == -1)
    return -1;
  for (size_t k = 0; k < ARRAY_SIZE (kinds); k++)
    for (size_t i = 0; kinds[k].kind == action->kind && paths[i]; i++)
      if (kinds[k].one (disk, hive, action, paths[i], err) == -1)
        return -1;
  return 0;
}

/* A row for the hive, and one for each of its logs: those are kept as
 * evidence, not changed. */
void
registry_plan_end (struct disk *disk)
{
  for (size_t h = 0; h < disk->registry.len; h++) {
    struct registry_hive *hive = disk->registry.ptr[h];
    struct change change = {.action = hive->action,
                            .hive = hive,
                            .is_registry = true};

    if (hive->wanted.len == 0)
      continue;
    change.file = hive->file;
    change.file.path = xstrdup (hive->file.path);
    change_vec_push (&disk->plan.changes, change);
    for (int i = 0; i < HIVE_LOGS; i++) {
      struct change log = {.action = hive->action, .evidence_only = true};

      if (hive->logs[i].path == NULL)
        continue;
      log.file = hive->logs[i];
      log.file.path = xstrdup (hive->logs[i].path);
      change_vec_push (&disk->plan.changes, log);
    }
  }
}
