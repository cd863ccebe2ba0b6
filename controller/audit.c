#include "audit.h"

#include <string.h>

#include <recipes/digest.h>

#include "journal-internal.h"

/* --- adding --------------------------------------------------------------- */

static void
next_hash (const char *before, const char *entry, char hash[65])
{
  struct digest *digest = digest_new ();

  digest_add (digest, before, strlen (before));
  digest_add (digest, "\n", 1);
  digest_add (digest, entry, strlen (entry));
  digest_add (digest, "\n", 1);
  digest_end (digest, hash);
}

static void
first_hash (const char *campaign, char hash[65])
{
  CLEANUP_FREE char *text = xasprintf ("bootmend audit 1\n%s\n", campaign);

  digest_bytes (text, strlen (text), hash);
}

char *
audit_next (struct journal *j, const json_t *entry)
{
  char *text = json_text (entry);
  char hash[65];

  next_hash (j->audit_hash, text, hash);
  memcpy (j->audit_hash, hash, sizeof j->audit_hash);
  return text;
}

int
audit_load (struct journal *j, struct err **err)
{
  CLEANUP_JSON json_t *last = journal_rows (
      j, "SELECT hash FROM audit WHERE ?1 = 0 ORDER BY id DESC LIMIT 1", 0,
      err);
  CLEANUP_JSON json_t *campaign = NULL;

  if (last == NULL)
    return -1;
  if (json_array_size (last)) {
    const char *hash = json_str (json_array_get (last, 0), "hash", "");

    if (strlen (hash) != 64)
      return err_set (err, ERR_INPUT, "%s: the audit chain is damaged",
                      j->path);
    memcpy (j->audit_hash, hash, sizeof j->audit_hash);
  } else {
    campaign = journal_campaign (j, err);
    if (campaign == NULL)
      return -1;
    first_hash (json_str (campaign, "id", ""), j->audit_hash);
  }
  memcpy (j->audit_committed, j->audit_hash, sizeof j->audit_committed);
  return 0;
}

json_t *
journal_outcomes (struct journal *j, struct err **err)
{
  json_t *jobs = journal_rows (
      j,
      "SELECT id AS row, vm, name, direction, outcome, reason FROM job"
      " WHERE ?1 = 0 AND outcome IS NOT NULL ORDER BY id",
      0, err);
  json_t *job;
  size_t i;

  json_array_foreach (jobs, i, job)
  {
    json_put_str (job, "table", "job");
  }
  return jobs;
}

/* --- verifying -------------------------------------------------------------
 */

struct check {
  struct journal *journal;
  const char *head;
  bool head_seen;
  char hash[65];
  int64_t entries;
  json_t *counts; /* {table: rows that are entered} */
  json_t *ended;  /* {job: its last entry} */
};

/* What tables are entered, and how their rows read. */
static const struct audited {
  const char *table, *select;
} audited[] = {
    {"step", "SELECT id AS row, job, step, direction, state, attempt, at,"
             " detail FROM step WHERE id = ?1"},
    {"event", "SELECT id AS row, job, kind, at, detail FROM event"
              " WHERE id = ?1"},
};

static int
compare_row (struct check *c, const json_t *entry, int64_t id, struct err **err)
{
  const char *table = json_str (entry, "table", "");
  int64_t row = json_int (entry, "row", 0);

  for (size_t i = 0; i < ARRAY_SIZE (audited); i++) {
    CLEANUP_JSON json_t *rows = NULL;
    json_t *found;

    if (strcmp (audited[i].table, table) != 0)
      continue;
    rows = journal_rows (c->journal, audited[i].select, row, err);
    if (rows == NULL)
      return -1;
    found = json_array_get (rows, 0);
    if (found)
      json_put_str (found, "table", table);
    if (!json_equal (found, entry))
      return err_set (err, ERR_INPUT,
                      "entry %lld: row %lld of table %s was %s after it was "
                      "written",
                      (long long)id, (long long)row, table,
                      found ? "changed" : "removed");
    json_put_int (c->counts, table, json_int (c->counts, table, 0) + 1);
  }
  return 0;
}

static void
note_ended (struct check *c, json_t *entry)
{
  CLEANUP_FREE char *job =
      xasprintf ("%lld", (long long)json_int (entry, "row", 0));

  json_put (c->ended, job, json_incref (entry));
}

/* A chain that began in mid-campaign: what was there before. */
static void
note_before (struct check *c, const json_t *entry)
{
  json_t *job;
  size_t i;

  json_object_update (c->counts, json_at (entry, "before"));
  json_array_foreach (json_at (entry, "ended"), i, job)
  {
    note_ended (c, job);
  }
}

static int
check_entry (struct check *c, const json_t *row, struct err **err)
{
  int64_t id = json_int (row, "id", 0);
  const char *text = json_str (row, "entry", "");
  CLEANUP_JSON json_t *entry = json_parse (text, strlen (text), "audit", NULL);
  char hash[65];

  c->entries++;
  if (id != c->entries)
    return err_set (err, ERR_INPUT, "entry %lld is missing",
                    (long long)c->entries);
  next_hash (c->hash, text, hash);
  memcpy (c->hash, hash, sizeof c->hash);
  if (entry == NULL || strcmp (hash, json_str (row, "hash", "")) != 0)
    return err_set (err, ERR_INPUT,
                    "entry %lld, or one before it, was changed: its hash does "
                    "not follow",
                    (long long)id);
  c->head_seen = c->head_seen || (c->head && strcmp (hash, c->head) == 0);
  if (strcmp (json_str (entry, "table", ""), "job") == 0)
    note_ended (c, entry);
  if (strcmp (json_str (entry, "table", ""), "audit") == 0)
    note_before (c, entry);
  return compare_row (c, entry, id, err);
}

/* Rows that are in a table and were never entered. */
static int
check_counts (struct check *c, struct err **err)
{
  CLEANUP_JSON json_t *rows =
      journal_rows (c->journal,
                    "SELECT (SELECT count (*) FROM step) AS step,"
                    " (SELECT count (*) FROM event) AS event WHERE ?1 = 0",
                    0, err);

  if (rows == NULL)
    return -1;
  for (size_t i = 0; i < ARRAY_SIZE (audited); i++) {
    const char *table = audited[i].table;
    int64_t there = json_int (json_array_get (rows, 0), table, 0);
    int64_t entered = json_int (c->counts, table, 0);

    if (there != entered)
      return err_set (err, ERR_INPUT,
                      "table %s has %lld rows, and %lld were entered", table,
                      (long long)there, (long long)entered);
  }
  return 0;
}

static int
check_outcomes (struct check *c, struct err **err)
{
  CLEANUP_JSON json_t *jobs = journal_outcomes (c->journal, err);
  json_t *job;
  size_t i;

  if (jobs == NULL)
    return -1;
  json_array_foreach (jobs, i, job)
  {
    CLEANUP_FREE char *id =
        xasprintf ("%lld", (long long)json_int (job, "row", 0));

    if (!json_equal (job, json_object_get (c->ended, id)))
      return err_set (err, ERR_INPUT,
                      "%s: its outcome is not the one that was entered",
                      json_str (job, "name", "?"));
  }
  return 0;
}

/* The recipe is part of the campaign's data, which is in no chain: its sum is,
 * in the event that began the campaign. */
static int
check_recipe (const struct check *c, const json_t *campaign, struct err **err)
{
  CLEANUP_JSON json_t *events = journal_events (c->journal, err);
  CLEANUP_FREE char *text = NULL;
  const char *entered;
  char sum[65];

  if (events == NULL)
    return -1;
  entered = json_str (json_array_get (events, 0), "detail.recipe_sha256", NULL);
  if (entered == NULL || json_at (campaign, "recipe") == NULL)
    return 0;
  text = json_text (json_at (campaign, "recipe"));
  digest_bytes (text, strlen (text), sum);
  if (strcmp (sum, entered) != 0)
    return err_set (err, ERR_INPUT,
                    "the recipe is not the one that the campaign began with");
  return 0;
}

static int
check_all (struct check *c, const json_t *campaign, struct err **err)
{
  CLEANUP_JSON json_t *rows = journal_rows (
      c->journal, "SELECT id, entry, hash FROM audit WHERE ?1 = 0 ORDER BY id",
      0, err);
  json_t *row;
  size_t i;

  if (rows == NULL)
    return -1;
  first_hash (json_str (campaign, "id", ""), c->hash);
  c->head_seen = c->head && strcmp (c->hash, c->head) == 0;
  json_array_foreach (rows, i, row)
  {
    if (check_entry (c, row, err) == -1)
      return -1;
  }
  if (check_counts (c, err) == -1 || check_outcomes (c, err) == -1 ||
      check_recipe (c, campaign, err) == -1)
    return -1;
  if (c->head && !c->head_seen)
    return err_set (err, ERR_INPUT,
                    "no entry has the hash %s: the chain that it was noted "
                    "from was cut off, or made anew",
                    c->head);
  return 0;
}

static int
check_there (const struct journal *journal, struct err **err)
{
  if (journal->has_audit)
    return 0;
  return err_set (err, ERR_INPUT,
                  "%s: made by a bootmend that kept no audit chain, and not "
                  "gone on with since",
                  journal->path);
}

json_t *
audit_verify (struct journal *journal, const char *head, struct err **err)
{
  CLEANUP_JSON json_t *campaign = journal_campaign (journal, err);
  CLEANUP_JSON json_t *counts = json_object (), *ended = json_object ();
  struct check c = {journal, head, .counts = counts, .ended = ended};

  if (campaign == NULL || check_there (journal, err) == -1 ||
      check_all (&c, campaign, err) == -1)
    return NULL;
  return json_make ("{s:I,s:s}", "entries", (json_int_t)c.entries, "head",
                    c.hash);
}

json_t *
audit_entries (struct journal *journal, struct err **err)
{
  CLEANUP_JSON json_t *rows = NULL;
  json_t *row;
  size_t i;

  if (check_there (journal, err) == -1)
    return NULL;
  rows = journal_rows (
      journal, "SELECT id, hash, entry FROM audit WHERE ?1 = 0 ORDER BY id", 0,
      err);
  json_array_foreach (rows, i, row)
  {
    const char *text = json_str (row, "entry", "");
    json_t *entry = json_parse (text, strlen (text), "audit", err);

    if (entry == NULL)
      return NULL;
    json_put (row, "entry", entry);
  }
  return TAKE (rows);
}

json_t *
audit_head (struct journal *journal, struct err **err)
{
  CLEANUP_JSON json_t *rows = NULL;

  if (!journal->has_audit)
    return json_object ();
  rows = journal_rows (journal,
                       "SELECT id AS entries, hash AS head FROM audit"
                       " WHERE ?1 = 0 ORDER BY id DESC LIMIT 1",
                       0, err);
  if (rows == NULL)
    return NULL;
  return json_array_size (rows) ? json_incref (json_array_get (rows, 0))
                                : json_object ();
}
