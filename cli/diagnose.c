/* Diagnoses for people and as JSON: one row for each patient, and what they
 * have in common. */

#include "diagnose.h"

#include <stdio.h>
#include <string.h>

#include "output.h"
#include "table.h"

#define UNKNOWN "unknown"
/* With so many or fewer, everything that is known of each is shown. */
#define DETAILED 3

void
patients_release (struct patient_vec *patients)
{
  for (size_t i = 0; i < patients->len; i++) {
    free (patients->ptr[i].name);
    free (patients->ptr[i].problem);
    free (patients->ptr[i].problem_id);
    json_decref (patients->ptr[i].diagnoses);
    json_decref (patients->ptr[i].seen);
  }
  patient_vec_release (patients);
}

void
patient_add (struct patient_vec *patients, const struct diagnosis_rules *rules,
             const char *name, const json_t *findings)
{
  struct patient patient = {.name = xstrdup (name),
                            .diagnoses = diagnose (rules, findings),
                            .seen = json_deep_copy (
                                json_object_get (findings, "facts"))};

  patient_vec_push (patients, patient);
}

void
patient_add_problem (struct patient_vec *patients, const char *name,
                     const char *id, const char *problem)
{
  struct patient patient = {.name = xstrdup (name),
                            .problem = xstrdup (problem),
                            .problem_id = xstrdup (id)};

  patient_vec_push (patients, patient);
}

/* --- what is said of one --- */

static const json_t *
first_of (const struct patient *patient)
{
  return json_array_get (patient->diagnoses, 0);
}

static const char *
group_of (const struct patient *patient)
{
  if (patient->problem)
    return patient->problem_id;
  return json_str (first_of (patient), "id", UNKNOWN);
}

/* "linux-module-blacklist --param module=x"; NULL: no recipe. */
static char *
recipe_text (const json_t *diagnosis)
{
  struct strbuf sb = STRBUF_EMPTY;
  const char *key;
  json_t *value;

  if (json_str (diagnosis, "recipe", NULL) == NULL)
    return NULL;
  strbuf_addstr (&sb, json_str (diagnosis, "recipe", ""));
  json_object_foreach (json_at (diagnosis, "parameters"), key, value)
  {
    strbuf_addf (&sb, " --param %s=%s", key, json_string_value (value));
  }
  return strbuf_take (&sb);
}

static enum style
style_of (const struct patient *patient)
{
  if (patient->problem)
    return STYLE_BAD;
  if (strcmp (group_of (patient), DIAGNOSIS_BOOTS) == 0)
    return STYLE_GOOD;
  return strcmp (group_of (patient), UNKNOWN) == 0 ? STYLE_WARN : STYLE_BOLD;
}

static void
add_row (struct table *table, const struct patient *patient)
{
  const json_t *first = first_of (patient);
  const json_t *evidence = json_array_get (json_at (first, "evidence"), 0);
  CLEANUP_FREE char *recipe = recipe_text (first);
  const char *why =
      patient->problem ? patient->problem : json_str (evidence, "what", NULL);

  table_row (table,
             (const char *[]){patient->name, group_of (patient),
                              json_str (first, "confidence", NULL), recipe,
                              why ? why : "nothing that a rule knows"});
  table_style (table, 1, style_of (patient));
}

static void
print_rows (const struct cli *cli, const struct patient_vec *patients,
            const char *title)
{
  const struct column columns[] = {{title, COLUMN_CUT},
                                   {"DIAGNOSIS", 0},
                                   {"SURE", 0},
                                   {"RECIPE", COLUMN_CUT},
                                   {"EVIDENCE", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; i < patients->len; i++)
    add_row (table, &patients->ptr[i]);
  text = table_text (table);
  fputs (text, stdout);
}

static void
add_line (struct strbuf *sb, const struct cli *cli, int indent,
          const char *label, const char *words)
{
  CLEANUP_FREE char *text = xasprintf ("%s%s", label, words);
  CLEANUP_FREE char *clean = terminal_clean (&cli->out, text);

  strbuf_addf (sb, "%*s", indent, "");
  add_wrapped (sb, clean, indent, indent + 2, terminal_text_width (&cli->out));
  strbuf_addch (sb, '\n');
}

static bool
is_evidence (const struct patient *patient, const char *what)
{
  json_t *diagnosis, *one;
  size_t i, j;

  json_array_foreach (patient->diagnoses, i, diagnosis)
  {
    json_array_foreach (json_at (diagnosis, "evidence"), j, one)
    {
      if (strcmp (json_str (one, "what", ""), what) == 0)
        return true;
    }
  }
  return false;
}

/* What is known besides: when it started last, what a log could not tell. */
static void
add_seen (struct strbuf *sb, const struct cli *cli,
          const struct patient *patient)
{
  json_t *fact;
  size_t i;

  json_array_foreach (patient->seen, i, fact)
  {
    const char *what = json_str (fact, "what", "?");
    CLEANUP_FREE char *head = xasprintf ("%s: seen: ", patient->name);

    if (!is_evidence (patient, what))
      add_line (sb, cli, 0, head, what);
  }
}

static void
print_details (const struct cli *cli, const struct patient *patient)
{
  struct strbuf sb = STRBUF_EMPTY;
  json_t *diagnosis, *one;
  size_t i, j;

  json_array_foreach (patient->diagnoses, i, diagnosis)
  {
    CLEANUP_FREE char *recipe = recipe_text (diagnosis);
    CLEANUP_FREE char *head =
        xasprintf ("%s: %s (%s): ", patient->name,
                   json_str (diagnosis, "id", "?"),
                   json_str (diagnosis, "confidence", "?"));

    add_line (&sb, cli, 0, head, json_str (diagnosis, "cause", "?"));
    json_array_foreach (json_at (diagnosis, "evidence"), j, one)
    {
      CLEANUP_FREE char *where =
          xasprintf ("%s: ", json_str (one, "where", "?"));

      add_line (&sb, cli, 4, where, json_str (one, "what", "?"));
    }
    if (recipe)
      add_line (&sb, cli, 4, "Recipe: --recipe ", recipe);
    if (json_str (diagnosis, "advice", NULL))
      add_line (&sb, cli, 4, "Advice: ", json_str (diagnosis, "advice", ""));
    json_array_foreach (json_at (diagnosis, "sources"), j, one)
    {
      add_line (&sb, cli, 4, "Source: ", json_string_value (one));
    }
  }
  add_seen (&sb, cli, patient);
  if (sb.len)
    printf ("\n%s", sb.buf);
  strbuf_release (&sb);
}

/* --- groups --- */

/* [{id, cause, recipe, count, names}], the largest first. */
static json_t *
groups_of (const struct patient_vec *patients)
{
  CLEANUP_JSON json_t *by_id = json_object ();
  json_t *groups = json_array (), *group;
  const char *id;

  for (size_t i = 0; i < patients->len; i++) {
    const struct patient *patient = &patients->ptr[i];

    id = group_of (patient);
    group = json_object_get (by_id, id);
    if (group == NULL) {
      group = json_make ("{s:s, s:i, s:[]}", "id", id, "count", 0, "names");
      json_put_str (group, "cause",
                    json_str (first_of (patient), "cause", NULL));
      json_put_str (group, "recipe",
                    json_str (first_of (patient), "recipe", NULL));
      json_put (by_id, id, group);
    }
    json_put_int (group, "count", json_int (group, "count", 0) + 1);
    json_array_append_new (json_object_get (group, "names"),
                           json_string (patient->name));
  }
  json_object_foreach (by_id, id, group)
  {
    size_t at = 0;

    while (at < json_array_size (groups) &&
           json_int (json_array_get (groups, at), "count", 0) >=
               json_int (group, "count", 0))
      at++;
    json_array_insert (groups, at, group);
  }
  return groups;
}

static void
print_groups (const struct cli *cli, const json_t *groups, const char *title)
{
  const struct column columns[] = {{title, COLUMN_RIGHT},
                                   {"DIAGNOSIS", 0},
                                   {"RECIPE", COLUMN_CUT},
                                   {"CAUSE", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  struct strbuf sum = STRBUF_EMPTY;
  json_t *group;
  size_t i;

  json_array_foreach (groups, i, group)
  {
    long long count = (long long)json_int (group, "count", 0);
    CLEANUP_FREE char *number = xasprintf ("%lld", count);

    table_row (table, (const char *[]){number, json_str (group, "id", "?"),
                                       json_str (group, "recipe", NULL),
                                       json_str (group, "cause", NULL)});
    strbuf_addf (&sum, "%s%lld %s", i ? ", " : "", count,
                 json_str (group, "id", "?"));
  }
  text = table_text (table);
  printf ("\n%s%s; nothing was changed\n", text, sum.buf);
  strbuf_release (&sum);
}

/* --- all --- */

static void
print_json (const struct patient_vec *patients, json_t *groups,
            const char *what)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < patients->len; i++) {
    const struct patient *patient = &patients->ptr[i];
    json_t *row = json_object ();

    json_put_str (row, "name", patient->name);
    json_put_str (row, "diagnosis", group_of (patient));
    json_put_str (row, "problem", patient->problem);
    json_put (row, "diagnoses",
              patient->diagnoses ? json_incref (patient->diagnoses)
                                 : json_array ());
    if (json_array_size (patient->seen) > 0)
      json_put (row, "seen", json_incref (patient->seen));
    json_array_append_new (list, row);
  }
  output_json ("diagnose",
               json_make ("{s:o, s:O}", what, list, "groups", groups));
}

static int
by_name (const void *a, const void *b)
{
  const struct patient *x = a, *y = b;

  return strcmp (x->name, y->name);
}

int
diagnose_show (const struct cli *cli, struct patient_vec *patients,
               const char *what)
{
  CLEANUP_JSON json_t *groups = NULL;
  bool vms = strcmp (what, "vms") == 0;
  size_t read = 0;

  if (patients->len > 0)
    qsort (patients->ptr, patients->len, sizeof *patients->ptr, by_name);
  groups = groups_of (patients);
  for (size_t i = 0; i < patients->len; i++)
    read += patients->ptr[i].problem == NULL;
  if (options_flag (cli->options, "json"))
    print_json (patients, groups, what);
  else {
    print_rows (cli, patients, vms ? "VM" : "IMAGE");
    for (size_t i = 0; i < patients->len && patients->len <= DETAILED; i++)
      print_details (cli, &patients->ptr[i]);
    print_groups (cli, groups, vms ? "VMS" : "IMAGES");
  }
  if (read == patients->len)
    return EXIT_ALL_WELL;
  return read ? EXIT_SOME_NOT : EXIT_NONE;
}
