/* The loader against the table of good and bad recipes that the JSON Schema
 * is checked with too (tests/data/recipes/cases.json), the built-in recipes,
 * and junk. */

#include "unit.h"

#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/text.h>
#include <recipes/digest.h>
#include <recipes/recipe.h>

static json_t *
test_data (const char *name)
{
  CLEANUP_FREE char *path = path_join (getenv ("BOOTMEND_TEST_DATA"), name);
  CLEANUP_ERR struct err *err = NULL;
  json_t *json = json_parse_file (path, 1 << 20, &err);

  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  return json;
}

/* Sets (or, with NULL, removes) what a JSON pointer names; an index just past
 * the end appends. */
static void
pointer_set (json_t *json, const char *pointer, json_t *value)
{
  CLEANUP_FREE char *key = NULL;
  size_t len = strcspn (pointer + 1, "/");
  size_t index;

  key = xstrndup (pointer + 1, len);
  index = (size_t)strtoul (key, NULL, 10);
  if (pointer[1 + len]) {
    json = json_is_array (json) ? json_array_get (json, index)
                                : json_object_get (json, key);
    pointer_set (json, pointer + 1 + len, value);
  } else if (value == NULL)
    json_object_del (json, key);
  else if (!json_is_array (json))
    json_object_set (json, key, value);
  else if (index < json_array_size (json))
    json_array_set (json, index, value);
  else
    json_array_append (json, value);
}

static json_t *
build_case (const json_t *all, const json_t *row)
{
  const json_t *base = json_object_get (json_object_get (all, "bases"),
                                        json_str (row, "base", "minimal"));
  json_t *recipe = json_deep_copy (base);
  size_t i;
  json_t *item;

  json_array_foreach (json_object_get (row, "set"), i, item)
      pointer_set (recipe, json_string_value (json_array_get (item, 0)),
                   json_array_get (item, 1));
  json_array_foreach (json_object_get (row, "remove"), i, item)
      pointer_set (recipe, json_string_value (item), NULL);
  return recipe;
}

static void
test_table_of_good_and_bad (void)
{
  CLEANUP_JSON json_t *all = test_data ("recipes/cases.json");
  size_t i;
  json_t *row;

  json_array_foreach (json_object_get (all, "cases"), i, row)
  {
    CLEANUP_JSON json_t *json = build_case (all, row);
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_RECIPE struct recipe *recipe =
        recipe_new (json, json_object_get (row, "values"), &err);
    const char *want = json_str (row, "error", NULL);
    bool ok = want ? !recipe && err && strstr (err->msg, want) &&
                         err->code == ERR_INPUT
                   : recipe != NULL;

    if (!ok)
      printf ("\n    case \"%s\": wanted %s, got %s\n",
              json_str (row, "name", "?"), want ? want : "a recipe",
              err ? err->msg : "a recipe");
    CU_ASSERT (ok);
    if (want && err && strncmp (want, "field \"name\"", 12) != 0)
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "recipe \""));
  }
  CU_ASSERT (i > 100);
}

static void
test_crowdstrike_291 (void)
{
  CLEANUP_JSON json_t *json = recipe_find ("crowdstrike-291", NULL);
  CLEANUP_RECIPE struct recipe *r = recipe_new (json, NULL, NULL);
  const unsigned char header[] = {0xaa, 0xaa, 0xaa, 0xaa, 1, 0, 0x23, 1};
  const struct recipe_match *m;
  int64_t from, before;

  CU_ASSERT_PTR_NOT_NULL_FATAL (r);
  m = &r->matches[0];
  CU_ASSERT_EQUAL (r->os, RECIPE_OS_WINDOWS);
  CU_ASSERT_EQUAL (r->n_matches, 1);
  CU_ASSERT_STRING_EQUAL (
      m->path, "/Windows/System32/drivers/CrowdStrike/C-00000291*.sys");
  CU_ASSERT_FALSE (m->required);
  CU_ASSERT_FALSE (m->folder);
  CU_ASSERT_EQUAL (m->header_len, sizeof header);
  CU_ASSERT_EQUAL (memcmp (m->header, header, sizeof header), 0);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T04:09:00Z", &from), 0);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T05:27:00Z", &before), 0);
  CU_ASSERT (m->has_modified_from && m->modified_from_ms == from);
  CU_ASSERT (m->has_modified_before && m->modified_before_ms == before);
  CU_ASSERT_EQUAL (m->size_min, -1);
  CU_ASSERT_EQUAL (r->n_actions, 1);
  CU_ASSERT_EQUAL (r->actions[0].kind, ACTION_DELETE);
  CU_ASSERT_PTR_EQUAL (r->actions[0].of, m);
  CU_ASSERT_EQUAL (r->n_checks, 1);
  CU_ASSERT_EQUAL (r->checks[0].kind, CHECK_ABSENT);
  CU_ASSERT_PTR_EQUAL (r->checks[0].of, m);
}

static void
test_every_builtin_loads (void)
{
  size_t n = 0;

  for (; recipe_builtin_names[n]; n++) {
    CLEANUP_JSON json_t *json = recipe_find (recipe_builtin_names[n], NULL);
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_RECIPE struct recipe *r = recipe_new_example (json, &err);

    if (r == NULL)
      printf ("\n    %s\n", err->msg);
    CU_ASSERT_PTR_NOT_NULL_FATAL (r);
    CU_ASSERT_STRING_EQUAL (r->name, recipe_builtin_names[n]);
    CU_ASSERT_PTR_NOT_NULL (r->why);
    CU_ASSERT_PTR_NOT_NULL (r->sources);
    if (n)
      CU_ASSERT (strcmp (recipe_builtin_names[n - 1], recipe_builtin_names[n]) <
                 0);
  }
  CU_ASSERT (n >= 2);
}

static void
test_find (void)
{
  CLEANUP_ERR struct err *none = NULL, *file = NULL, *junk = NULL;
  char path[] = "/tmp/bootmend-recipe-XXXXXX";
  int fd = mkstemp (path);

  CU_ASSERT_PTR_NULL (recipe_find ("crowdstrike-292", &none));
  CU_ASSERT_EQUAL (none->code, ERR_NOT_FOUND);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (none->msg,
              "built in: crowdstrike-291, crowdstrike-rename-folder"));
  CU_ASSERT_PTR_NULL (recipe_find ("./no-such-file", &file));
  CU_ASSERT_EQUAL (file->code, ERR_NOT_FOUND);
  CU_ASSERT_EQUAL (write (fd, "no json", 7), 7);
  close (fd);
  CU_ASSERT_PTR_NULL (recipe_find (path, &junk));
  CU_ASSERT_EQUAL (junk->code, ERR_INPUT);
  unlink (path);
}

static void
test_values_reach_their_places (void)
{
  CLEANUP_JSON json_t *all = test_data ("recipes/cases.json");
  const json_t *json = json_at (all, "bases.parameters");
  CLEANUP_JSON json_t *values =
      json_make ("{s:s, s:s, s:b, s:s, s:s}", "file", "b.sys", "count", "7",
                 "force", 1, "head", "FF", "mode", "c");
  CLEANUP_RECIPE struct recipe *r = recipe_new (json, values, NULL);
  CLEANUP_RECIPE struct recipe *plain = recipe_new (json, NULL, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (r);
  CU_ASSERT_STRING_EQUAL (r->matches[0].path, "/Windows/System32/x/b.sys");
  CU_ASSERT_EQUAL (r->matches[0].most, 7);
  CU_ASSERT (r->matches[0].required);
  CU_ASSERT_EQUAL (r->matches[0].header_len, 1);
  CU_ASSERT_STRING_EQUAL ((char *)r->actions[1].content,
                          "mode=c n=7 force=true ${x}\n");
  CU_ASSERT_EQUAL (json_int (r->values, "count", 0), 7);
  CU_ASSERT_STRING_EQUAL (json_str (r->values, "head", ""), "ff");
  /* The digest is the recipe's, whatever the values are. */
  CU_ASSERT_STRING_EQUAL (r->sha256, plain->sha256);
}

static void
test_digest_is_of_the_canonical_text (void)
{
  static const char a[] = "{\"a\":1,\"b\":[true,\"x\"]}";
  static const char b[] = " { \"b\" : [ true , \"\\u0078\" ],\n\"a\":1 }";
  CLEANUP_JSON json_t *ja = json_parse (a, strlen (a), "a", NULL);
  CLEANUP_JSON json_t *jb = json_parse (b, strlen (b), "b", NULL);
  CLEANUP_FREE char *ta = json_text (ja), *tb = json_text (jb);
  CLEANUP_JSON json_t *json = recipe_find ("crowdstrike-291", NULL);
  CLEANUP_FREE char *text = json_text (json);
  CLEANUP_RECIPE struct recipe *r = recipe_new (json, NULL, NULL);
  char hex[65];

  CU_ASSERT_STRING_EQUAL (ta, tb);
  digest_bytes (text, strlen (text), hex);
  CU_ASSERT_STRING_EQUAL (r->sha256, hex);
  digest_bytes ("abc", 3, hex); /* FIPS 180-2, B.1 */
  CU_ASSERT_STRING_EQUAL (
      hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
test_words_are_made_printable (void)
{
  static const char text[] = "{\"format\":1,\"name\":\"\\u001b[2J\",\"x\":1}";
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "x", NULL);
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_PTR_NULL (recipe_new (json, NULL, &err));
  CU_ASSERT_PTR_NULL (strchr (err->msg, '\x1b'));
}

/* NUL can't come from a file, but from a caller. */
static void
test_nul_is_refused (void)
{
  static const char *const places[] = {"/match/0/path", "/title",
                                       "/actions/0/of"};
  CLEANUP_JSON json_t *all = test_data ("recipes/cases.json");
  CLEANUP_JSON json_t *nul = json_stringn ("/a\0b", 4);

  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    CLEANUP_JSON json_t *json = json_deep_copy (json_at (all, "bases.minimal"));
    CLEANUP_ERR struct err *err = NULL;

    pointer_set (json, places[i], nul);
    CU_ASSERT_PTR_NULL (recipe_new (json, NULL, &err));
  }
}

static void
test_what_is_no_object (void)
{
  CLEANUP_JSON json_t *array = json_array ();
  CLEANUP_ERR struct err *none = NULL, *list = NULL;

  CU_ASSERT_PTR_NULL (recipe_new (NULL, NULL, &none));
  CU_ASSERT_STRING_EQUAL (none->msg, "recipe: is no object");
  CU_ASSERT_PTR_NULL (recipe_new (array, NULL, &list));
  CU_ASSERT_STRING_EQUAL (list->msg, "recipe: is no object");
}

static void
test_size_limit (void)
{
  CLEANUP_JSON json_t *all = test_data ("recipes/cases.json");
  json_t *json = json_at (all, "bases.minimal");
  CLEANUP_FREE char *big = xcalloc (1, RECIPE_MAX_BYTES + 1);
  CLEANUP_ERR struct err *err = NULL;

  memset (big, 'x', RECIPE_MAX_BYTES);
  json_put_str (json, "description", big);
  CU_ASSERT_PTR_NULL (recipe_new (json, NULL, &err));
  CU_ASSERT_STRING_EQUAL (err->msg,
                          "recipe \"test\": larger than 1048576 bytes");
}

static uint64_t
next_random (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static json_t *
junk_value (uint64_t *state)
{
  static const char *const texts[] =
      {"",     "x",  "${", "${}", "${count}", "$${", "/",
       "/a/*", "..", "aa", "C:",  "\n",       "[",   "2024-07-19T04:09:00Z"};

  switch (next_random (state) % 8) {
  case 0:
    return json_null ();
  case 1:
    return json_object ();
  case 2:
    return json_array ();
  case 3:
    return json_integer ((json_int_t)next_random (state));
  case 4:
    return json_boolean (next_random (state) & 1);
  case 5:
    return json_real (0.5);
  default:
    return json_string (texts[next_random (state) % ARRAY_SIZE (texts)]);
  }
}

/* Puts junk at a random place, at any depth. */
static void
mutate (json_t *json, uint64_t *state)
{
  size_t n =
      json_is_object (json) ? json_object_size (json) : json_array_size (json);
  size_t pick = n ? next_random (state) % n : 0, i = 0;
  const char *key;
  json_t *item;

  if (n == 0)
    return;
  if (json_is_array (json)) {
    item = json_array_get (json, pick);
    if (next_random (state) % 2)
      mutate (item, state);
    else
      json_array_set_new (json, pick, junk_value (state));
    return;
  }
  json_object_foreach (json, key, item)
  {
    if (i++ != pick)
      continue;
    if (next_random (state) % 3)
      mutate (item, state);
    else if (next_random (state) % 4)
      json_object_set_new (json, key, junk_value (state));
    else
      json_object_set_new (json, "junk", junk_value (state));
    return;
  }
}

static void
test_junk_never_crashes (void)
{
  CLEANUP_JSON json_t *all = test_data ("recipes/cases.json");
  uint64_t state = 291;
  size_t refused = 0;

  for (int i = 0; i < 6000; i++) {
    CLEANUP_JSON json_t *json = json_deep_copy (
        json_at (all, i % 2 ? "bases.parameters" : "bases.minimal"));
    CLEANUP_JSON json_t *values = i % 3 ? NULL : junk_value (&state);
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_RECIPE struct recipe *r = NULL;

    for (uint64_t n = next_random (&state) % 3; n > 0; n--)
      mutate (json, &state);
    r = recipe_new (json, values, &err);
    CU_ASSERT ((r == NULL) == (err != NULL));
    refused += r == NULL;
  }
  CU_ASSERT (refused > 1000 && refused < 6000);
}

static const struct unit_case cases[] = {
    {"table of good and bad", test_table_of_good_and_bad},
    {"crowdstrike-291 says what the facts say", test_crowdstrike_291},
    {"every built-in loads", test_every_builtin_loads},
    {"find by name and file", test_find},
    {"values reach their places", test_values_reach_their_places},
    {"digest of the canonical text", test_digest_is_of_the_canonical_text},
    {"words are made printable", test_words_are_made_printable},
    {"NUL is refused", test_nul_is_refused},
    {"what is no object", test_what_is_no_object},
    {"size limit", test_size_limit},
    {"junk never crashes", test_junk_never_crashes},
};
UNIT_MAIN ("recipes", cases)
