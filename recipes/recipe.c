/* From JSON to a struct recipe; recipe.h has the contract, fields.h the
 * reading by tables. */

#include "recipe.h"

#include <string.h>

#include "digest.h"
#include "fields.h"
#include "guest-path.h"
#include "parameters.h"

#define MAX_ENTRIES  64   /* matches, actions, checks */
#define DEFAULT_MOST 1000 /* proven things of one match */

static const char *const os_names[] = {"windows", "linux", "any", NULL};
static const char *const kind_names[] = {"file", "folder", NULL};
static const char *const volume_names[] = {"system", "boot", NULL};
static const char *const suggest_names[] = {"yes", "no", NULL};
static const char *const check_names[] = {"absent", "present", NULL};

/* The whole, with the parts that other tables read. */
struct top {
  struct recipe recipe;
  json_t *parameters, *match, *actions, *check;
  char *schema;
};

#define TOP(member)   offsetof (struct top, member)
#define WHOLE(member) offsetof (struct top, recipe.member)
static const struct recipe_field top_fields[] = {
    {"name", FIELD_NAME, FIELD_REQUIRED, WHOLE (name)},
    {"format", FIELD_COUNT, FIELD_REQUIRED, WHOLE (format)},
    {"version", FIELD_COUNT, FIELD_REQUIRED, WHOLE (version)},
    {"title", FIELD_LINE, FIELD_REQUIRED, WHOLE (title), .max = 200},
    {"description", FIELD_TEXT, FIELD_REQUIRED, WHOLE (description),
     .max = 8000},
    {"why", FIELD_TEXT, 0, WHOLE (why), .max = 8000},
    {"sources", FIELD_LINES, 0, WHOLE (sources)},
    {"os", FIELD_WORD, FIELD_REQUIRED, WHOLE (os), .words = os_names},
    {"volume", FIELD_FLAG, 0, WHOLE (on_boot_volume), .words = volume_names},
    {"suggest", FIELD_FLAG, 0, WHOLE (no_suggestion), .words = suggest_names},
    {"parameters", FIELD_JSON, 0, TOP (parameters)},
    {"match", FIELD_JSON, 0, TOP (match)},
    {"actions", FIELD_JSON, FIELD_REQUIRED, TOP (actions)},
    {"check", FIELD_JSON, 0, TOP (check)},
    {"$schema", FIELD_LINE, 0, TOP (schema)},
    {NULL},
};

#define MATCH(member) offsetof (struct recipe_match, member)
static const struct recipe_field modified_fields[] = {
    {"from", FIELD_TIME, 0, MATCH (modified_from_ms),
     MATCH (has_modified_from)},
    {"before", FIELD_TIME, 0, MATCH (modified_before_ms),
     MATCH (has_modified_before)},
    {NULL},
};
static const struct recipe_field size_fields[] = {
    {"min", FIELD_COUNT, 0, MATCH (size_min)},
    {"max", FIELD_COUNT, 0, MATCH (size_max)},
    {NULL},
};
static const struct recipe_field match_fields[] = {
    {"id", FIELD_NAME, FIELD_REQUIRED, MATCH (id)},
    {"path", FIELD_PATTERN, 0, MATCH (path)},
    {"hive", FIELD_CHOICE, 0, MATCH (hive), .words = recipe_hives},
    {"key", FIELD_KEY, 0, MATCH (key)},
    {"value", FIELD_VALUE, 0, MATCH (value)},
    {"data", FIELD_DATA, 0, MATCH (data)},
    {"contains", FIELD_LINE, 0, MATCH (contains)},
    {"kind", FIELD_FLAG, 0, MATCH (folder), .words = kind_names},
    {"required", FIELD_BOOL, 0, MATCH (required)},
    {"header", FIELD_BYTES, 0, MATCH (header), MATCH (header_len),
     .max = 16384},
    {"modified", FIELD_OBJECT, 0, .fields = modified_fields},
    {"size", FIELD_OBJECT, 0, .fields = size_fields},
    {"sha256", FIELD_SHA256S, 0, MATCH (sha256)},
    {"most", FIELD_COUNT, 0, MATCH (most)},
    {NULL},
};

#define CHECK(member) offsetof (struct recipe_check, member)
static const struct recipe_field check_fields[] = {
    {"check", FIELD_WORD, FIELD_REQUIRED, CHECK (kind), .words = check_names},
    {"of", FIELD_MATCH, 0, CHECK (of)},
    {"path", FIELD_PATH, 0, CHECK (path)},
    {NULL},
};

const char *
recipe_os_name (enum recipe_os os)
{
  return os_names[os];
}

/* The list under a field of the recipe, its length within the limit. */
static int
list_length (const struct recipe *recipe, const json_t *list, const char *name,
             size_t least, size_t *n, struct err **err)
{
  *n = json_array_size (list);
  if (list && !json_is_array (list))
    return recipe_error (recipe, err, name, "is no list");
  if (*n < least)
    return recipe_error (recipe, err, name, "is empty");
  if (*n > MAX_ENTRIES)
    return recipe_error (recipe, err, name, "more than %d entries",
                         MAX_ENTRIES);
  return 0;
}

static bool
has_conditions (const struct recipe_match *m)
{
  return m->header || m->has_modified_from || m->has_modified_before ||
         m->size_min >= 0 || m->size_max >= 0 || m->sha256;
}

/* BCD is on the volume that starts Windows, all other hives are not. */
static int
check_hive (const struct recipe *recipe, const char *hive, const char *place,
            struct err **err)
{
  if (hive && (strcmp (hive, RECIPE_HIVE_BCD) == 0) != recipe->on_boot_volume)
    return recipe_error (recipe, err, place,
                         recipe->on_boot_volume
                             ? "%s is not on the volume \"boot\""
                             : "%s needs \"volume\": \"boot\"",
                         hive);
  return 0;
}

/* A match is of files or of the registry. */
static int
check_subject (const struct recipe *recipe, const struct recipe_match *m,
               const char *place, struct err **err)
{
  if (!m->path == !m->hive)
    return recipe_error (recipe, err, place,
                         "needs either \"path\" or \"hive\" and \"key\"");
  if (!m->key != !m->hive)
    return recipe_error (recipe, err, place,
                         "\"hive\" and \"key\" go together");
  if (m->path && (m->value || m->data || m->contains))
    return recipe_error (recipe, err, place,
                         "value, data and contains are for the registry");
  if (m->hive && (m->folder || has_conditions (m)))
    return recipe_error (recipe, err, place,
                         "kind, header, modified, size and sha256 are for "
                         "files");
  if ((m->data || m->contains) && m->value == NULL)
    return recipe_error (recipe, err, place,
                         "data and contains need \"value\"");
  return check_hive (recipe, m->hive, place, err);
}

static int
check_match (const struct recipe *recipe, const struct recipe_match *m,
             const char *place, struct err **err)
{
  for (const struct recipe_match *other = recipe->matches; other < m; other++)
    if (strcmp (other->id, m->id) == 0)
      return recipe_error (recipe, err, place,
                           "a match with the id \"%s\" came before", m->id);
  if (check_subject (recipe, m, place, err) == -1)
    return -1;
  if (m->folder &&
      (m->header || m->size_min >= 0 || m->size_max >= 0 || m->sha256))
    return recipe_error (recipe, err, place,
                         "a folder has no header, size or sha256");
  if (m->path && guest_path_matches_all (m->path) && !has_conditions (m))
    return recipe_error (recipe, err, place,
                         "\"%.200s\" means everything in its folder: add a "
                         "condition (header, modified, size, sha256)",
                         m->path);
  if (m->has_modified_from && m->has_modified_before &&
      m->modified_from_ms >= m->modified_before_ms)
    return recipe_error (recipe, err, place,
                         "modified.from is not before modified.before");
  if (m->size_min >= 0 && m->size_max >= 0 && m->size_min > m->size_max)
    return recipe_error (recipe, err, place, "size.min is more than size.max");
  if (m->most < 1)
    return recipe_error (recipe, err, place, "most is less than 1");
  return 0;
}

static int
read_matches (struct recipe *recipe, struct reader *reader, const json_t *list,
              struct err **err)
{
  size_t n;

  if (list_length (recipe, list, "match", 0, &n, err) == -1)
    return -1;
  recipe->matches = xcalloc (n + 1, sizeof *recipe->matches);
  for (size_t i = 0; i < n; i++) {
    struct recipe_match *m = &recipe->matches[i];
    CLEANUP_FREE char *place = xasprintf ("match[%zu]", i);

    m->size_min = m->size_max = -1;
    m->most = DEFAULT_MOST;
    recipe->n_matches = i; /* what is found by id so far */
    if (fields_read (reader, json_array_get (list, i), match_fields, NULL, m,
                     place, err) == -1 ||
        check_match (recipe, m, place, err) == -1) {
      recipe->n_matches = i + 1;
      return -1;
    }
  }
  recipe->n_matches = n;
  return 0;
}

static const struct recipe_action_type *
action_type (const struct recipe *recipe, const json_t *json, const char *place,
             struct err **err)
{
  const char *name = json_string_value (json_object_get (json, "action"));
  const struct recipe_action_type *t;

  if (name == NULL) {
    recipe_error (recipe, err, place, "the field \"action\" is missing");
    return NULL;
  }
  for (t = recipe_action_types; t->name && strcmp (t->name, name) != 0; t++)
    ;
  if (t->name == NULL) {
    recipe_error (recipe, err, place, "unknown action \"%.80s\"", name);
    return NULL;
  }
  if (!(t->os & (1u << recipe->os))) {
    recipe_error (recipe, err, place, "%s is not for os \"%s\"", name,
                  os_names[recipe->os]);
    return NULL;
  }
  return t;
}

static int
read_actions (struct recipe *recipe, struct reader *reader, const json_t *list,
              struct err **err)
{
  size_t n;

  if (list_length (recipe, list, "actions", 1, &n, err) == -1)
    return -1;
  recipe->actions = xcalloc (n, sizeof *recipe->actions);
  for (size_t i = 0; i < n; i++) {
    struct recipe_action *a = &recipe->actions[i];
    const json_t *json = json_array_get (list, i);
    CLEANUP_FREE char *place = xasprintf ("actions[%zu]", i);
    CLEANUP_ERR struct err *why = NULL;

    a->type = action_type (recipe, json, place, err);
    if (a->type == NULL)
      return -1;
    a->kind = a->type->kind;
    recipe->n_actions = i + 1;
    if (fields_read (reader, json, a->type->fields, "action", a, place, err) ==
        -1)
      return -1;
    if (a->of && a->of->hive)
      return recipe_error (recipe, err, place,
                           "\"%s\" is a match of the registry, not of files",
                           a->of->id);
    if (check_hive (recipe,
                    a->kind == ACTION_SERVICE_DISABLE ? "SYSTEM" : a->hive,
                    place, err) == -1)
      return -1;
    if (a->type->check && a->type->check (a, place, &why) == -1)
      return recipe_error (recipe, err, "", "%s", why->msg);
  }
  return 0;
}

static int
read_checks (struct recipe *recipe, struct reader *reader, const json_t *list,
             struct err **err)
{
  size_t n;

  if (list_length (recipe, list, "check", 0, &n, err) == -1)
    return -1;
  recipe->checks = xcalloc (n + 1, sizeof *recipe->checks);
  for (size_t i = 0; i < n; i++) {
    struct recipe_check *c = &recipe->checks[i];
    CLEANUP_FREE char *place = xasprintf ("check[%zu]", i);

    recipe->n_checks = i + 1;
    if (fields_read (reader, json_array_get (list, i), check_fields, NULL, c,
                     place, err) == -1)
      return -1;
    if (!c->of == !c->path)
      return recipe_error (recipe, err, place,
                           "needs either \"of\" or \"path\"");
  }
  return 0;
}

/* A match or parameter that nothing uses is most likely a mistyped word. */
static int
check_all_used (const struct recipe *recipe, const json_t *used,
                struct err **err)
{
  const char *name;
  json_t *value;

  for (size_t m = 0; m < recipe->n_matches; m++) {
    const struct recipe_match *match = &recipe->matches[m];
    bool found = match->required;

    for (size_t i = 0; i < recipe->n_actions; i++)
      found = found || recipe->actions[i].of == match ||
              recipe->actions[i].when == match;
    for (size_t i = 0; i < recipe->n_checks; i++)
      found = found || recipe->checks[i].of == match;
    if (!found)
      return recipe_error (recipe, err, "match",
                           "nothing uses \"%s\", and it is not required",
                           match->id);
  }
  json_object_foreach (
      recipe->parameters, name,
      value) if (json_object_get (used, name) ==
                 NULL) return recipe_error (recipe, err, "parameters",
                                            "\"%s\" is used nowhere", name);
  return 0;
}

static int
read_parts (struct recipe *recipe, const struct top *top, const json_t *given,
            bool examples, struct err **err)
{
  CLEANUP_JSON json_t *used = json_object ();
  struct reader reader = {.recipe = recipe, .used = used};

  if (given && !json_is_object (given))
    return recipe_error (recipe, err, "parameters", "the values are no object");
  recipe->parameters =
      top->parameters ? json_incref (top->parameters) : json_object ();
  recipe->values =
      parameters_resolve (recipe, recipe->parameters, given, examples, err);
  if (recipe->values == NULL)
    return -1;
  reader.values = recipe->values;
  if (read_matches (recipe, &reader, top->match, err) == -1 ||
      read_actions (recipe, &reader, top->actions, err) == -1 ||
      read_checks (recipe, &reader, top->check, err) == -1)
    return -1;
  return check_all_used (recipe, used, err);
}

/* A newer format may have fields that this loader would call unknown, so the
 * format is looked at before them. */
static int
check_format (const struct recipe *recipe, const json_t *json, struct err **err)
{
  const json_t *format = json_object_get (json, "format");

  if (json_is_integer (format) && json_integer_value (format) != RECIPE_FORMAT)
    return recipe_error (recipe, err, "format",
                         "is %lld, this bootmend reads format %d",
                         (long long)json_integer_value (format), RECIPE_FORMAT);
  return 0;
}

static struct recipe *
load (const json_t *json, const json_t *values, bool examples, struct err **err)
{
  CLEANUP_RECIPE struct recipe *recipe = xcalloc (1, sizeof *recipe);
  CLEANUP_FREE char *text = NULL;
  struct top top = {0};
  struct recipe label = {.name = (char *)json_str (json, "name", NULL)};
  struct reader reader = {.recipe = &label}; /* errors know its name at once */
  int r;

  if (!json_is_object (json)) {
    recipe_error (&label, err, "", "is no object");
    return NULL;
  }
  text = json_text (json);
  if (strlen (text) > RECIPE_MAX_BYTES) {
    recipe_error (&label, err, "", "larger than %d bytes", RECIPE_MAX_BYTES);
    return NULL;
  }
  if (check_format (&label, json, err) == -1)
    return NULL;
  r = fields_read (&reader, json, top_fields, NULL, &top, "", err);
  free (top.schema);
  *recipe = top.recipe;
  if (r == -1 || read_parts (recipe, &top, values, examples, err) == -1)
    return NULL;
  recipe->json = json_deep_copy (json);
  digest_bytes (text, strlen (text), recipe->sha256);
  return TAKE (recipe);
}

struct recipe *
recipe_new (const json_t *json, const json_t *values, struct err **err)
{
  return load (json, values, false, err);
}

struct recipe *
recipe_new_example (const json_t *json, struct err **err)
{
  return load (json, NULL, true, err);
}

void
recipe_free (struct recipe *recipe)
{
  if (recipe == NULL)
    return;
  for (size_t i = 0; i < recipe->n_matches; i++)
    fields_release (match_fields, &recipe->matches[i]);
  for (size_t i = 0; i < recipe->n_actions; i++)
    fields_release (recipe->actions[i].type->fields, &recipe->actions[i]);
  for (size_t i = 0; i < recipe->n_checks; i++)
    fields_release (check_fields, &recipe->checks[i]);
  free (recipe->matches);
  free (recipe->actions);
  free (recipe->checks);
  free (recipe->name);
  free (recipe->title);
  free (recipe->description);
  free (recipe->why);
  strv_free (recipe->sources);
  json_decref (recipe->parameters);
  json_decref (recipe->values);
  json_decref (recipe->json);
  free (recipe);
}

void
cleanup_recipe (struct recipe **recipe)
{
  recipe_free (*recipe);
}
