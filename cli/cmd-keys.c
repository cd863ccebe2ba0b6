/* `bootmend keys missing`: which keys somebody has to get, for which VMs of a
 * campaign. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <controller/campaign.h>

#include "output.h"
#include "request.h"
#include "table.h"

/* One protector that would open one volume of one VM. */
struct missing {
  const json_t *vm, *volume, *protector;
};
DEFINE_VEC (struct missing, missing_vec);

static void
list_all (const json_t *vms, struct missing_vec *all)
{
  json_t *vm, *volume, *protector;
  size_t i, j, k;

  json_array_foreach (vms, i, vm)
  {
    json_array_foreach (json_at (vm, "volumes"), j, volume)
    {
      json_array_foreach (json_at (volume, "protectors"), k, protector)
      {
        missing_vec_push (all, (struct missing){vm, volume, protector});
      }
    }
  }
}

/* "DESKTOP-1 C: 7/4/2019" */
static char *
computer_of (const struct missing *m)
{
  const char *text = json_str (m->volume, "description", "");

  return xstrndup (text, strcspn (text, " "));
}

/* What a guest wrote is no formula of a spreadsheet. */
static void
print_cell (const char *text, const char *end)
{
  putchar ('"');
  if (*text && strchr ("=+-@\t", *text))
    putchar ('\'');
  for (; *text; text++) {
    if (*text == '"')
      putchar ('"');
    putchar (*text);
  }
  printf ("\"%s", end);
}

/* A list to be filled in: with its last column it is one for --keys. */
static void
print_csv (const struct missing_vec *all)
{
  puts ("vm,vm_id,computer,volume,type,protector_guid,key");
  for (size_t i = 0; i < all->len; i++) {
    const struct missing *m = &all->ptr[i];
    CLEANUP_FREE char *computer = computer_of (m);

    print_cell (json_str (m->vm, "name", ""), ",");
    print_cell (json_str (m->vm, "id", ""), ",");
    print_cell (computer, ",");
    print_cell (json_str (m->volume, "volume", ""), ",");
    print_cell (json_str (m->protector, "type", ""), ",");
    print_cell (json_str (m->protector, "guid", ""), ",\n");
  }
}

static void
print_table (const struct cli *cli, const struct missing_vec *all)
{
  static const struct column columns[] = {{"VM", COLUMN_CUT},
                                          {"COMPUTER", COLUMN_CUT},
                                          {"VOLUME", 0},
                                          {"TYPE", 0},
                                          {"KEY ID", 0},
                                          {"WHY", 0}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; i < all->len; i++) {
    const struct missing *m = &all->ptr[i];
    CLEANUP_FREE char *computer = computer_of (m);

    table_row (table, (const char *[]){json_str (m->vm, "name", "?"),
                                       computer[0] ? computer : NULL,
                                       json_str (m->volume, "volume", "?"),
                                       json_str (m->protector, "type", "?"),
                                       json_str (m->protector, "guid", "?"),
                                       json_str (m->volume, "code", NULL)});
  }
  text = table_text (table);
  fputs (text, stdout);
}

int
cmd_keys_missing (struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  CLEANUP_JSON json_t *vms = NULL;
  struct missing_vec all = VEC_EMPTY;
  bool none;

  if (options_flag (cli->options, "json") && options_flag (cli->options, "csv"))
    return err_set (err, ERR_USAGE, "--csv: goes not with --json");
  campaign =
      campaign_open (state, request_campaign_id (cli), JOURNAL_READ, err);
  if (campaign == NULL)
    return -1;
  vms = campaign_keys_missing (campaign);
  list_all (vms, &all);
  none = all.len == 0;
  if (options_flag (cli->options, "json"))
    output_json ("keys-missing", json_make ("{s:O}", "vms", vms));
  else if (options_flag (cli->options, "csv"))
    print_csv (&all);
  else if (none)
    puts ("No VM of this campaign waits for a key.");
  else
    print_table (cli, &all);
  missing_vec_release (&all);
  return EXIT_ALL_WELL;
}
