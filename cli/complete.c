/* Completion: the shell's script (docs/bootmend.bash) asks the program, so that
 * it never lags behind the tables. */

#include <stdio.h>
#include <string.h>

#include <base/files.h>
#include <controller/campaign.h>
#include <providers/provider.h>
#include <recipes/recipe.h>

#include "command.h"

static bool
starts_with (const char *text, const char *start)
{
  return strncmp (text, start, strlen (start)) == 0;
}

static void
offer (const char *candidate, const char *typed)
{
  if (starts_with (candidate, typed))
    printf ("%s\n", candidate);
}

static void
offer_choices (const char *choices, const char *typed)
{
  CLEANUP_FREE char *copy = xstrdup (choices);

  for (char *save = NULL, *word = strtok_r (copy, " ", &save); word;
       word = strtok_r (NULL, " ", &save))
    offer (word, typed);
}

/* First words, or the second ones of those that start with words[0]. */
static void
offer_commands (const char *first, const char *typed)
{
  const char *last = "";

  for (size_t i = 0; commands[i].name; i++) {
    size_t len = strcspn (commands[i].name, " ");
    CLEANUP_FREE char *word = xstrndup (commands[i].name, len);

    if (first == NULL) {
      if (!starts_with (commands[i].name, last) || last[0] == '\0')
        offer (word, typed);
      last = commands[i].name[len] ? commands[i].name : "";
    } else if (commands[i].name[len] == ' ' && strcmp (word, first) == 0)
      offer (commands[i].name + len + 1, typed);
  }
}

static void
offer_campaigns (const char *typed)
{
  CLEANUP_FREE char *state = state_folder ();
  CLEANUP_JSON json_t *list = campaign_list (state, NULL);
  json_t *line;
  size_t i;

  json_array_foreach (list, i, line)
  {
    offer (json_str (line, "id", ""), typed);
  }
  offer ("last", typed);
}

static void
offer_words (enum words words, const char *typed)
{
  switch (words) {
  case WORDS_FILES:
    printf (":files\n");
    break;
  case WORDS_FOLDERS:
    printf (":folders\n");
    break;
  case WORDS_RECIPES:
    for (size_t i = 0; recipe_builtin_names[i]; i++)
      offer (recipe_builtin_names[i], typed);
    printf (":files\n");
    break;
  case WORDS_SELECTORS:
    for (size_t i = 0; providers[i]; i++) {
      CLEANUP_FREE char *word = xasprintf ("%s:", providers[i]->name);

      offer (word, typed);
    }
    printf (":nospace\n");
    break;
  case WORDS_PROVIDERS:
    for (size_t i = 0; providers[i]; i++)
      if (providers[i]->policy)
        offer (providers[i]->name, typed);
    break;
  case WORDS_COMMANDS:
    offer_commands (NULL, typed);
    break;
  case WORDS_CAMPAIGNS:
    offer_campaigns (typed);
    break;
  case WORDS_NONE:
  default:
    break;
  }
}

static void
offer_options (uint64_t groups, const char *typed)
{
  const struct option_set *set = option_set ();

  for (size_t i = 0; i < set->n; i++)
    if (set->rows[i].groups & groups) {
      CLEANUP_FREE char *word = xasprintf ("--%s", set->rows[i].name);

      offer (word, typed);
    }
}

/* The row whose value is to follow `word`, if any. */
static const struct option_row *
wants_value (uint64_t groups, const char *word)
{
  const struct option_set *set = option_set ();
  const struct option_row *row = NULL;

  if (starts_with (word, "--"))
    row = option_find (set, word + 2, strlen (word + 2));
  else if (word[0] == '-' && word[1])
    row = option_find_letter (set, groups, word[strlen (word) - 1]);
  return row && row->type != OPTION_FLAG ? row : NULL;
}

static void
offer_value (const struct option_row *row, const char *typed)
{
  if (row->choices)
    offer_choices (row->choices, typed);
  else
    offer_words (row->words, typed);
}

/* Skips options (and their values) from words[i] on. */
static int
skip_options (const char *const *words, int i, int at)
{
  while (i < at && words[i][0] == '-')
    i += wants_value (GROUP_TOP | GROUP_GENERAL, words[i]) ? 2 : 1;
  return i;
}

/* The shell has cut "--color=al" into three words. */
static const struct option_row *
value_after_equals (const char *const *words, int at, const char **typed)
{
  if (at >= 2 && strcmp (words[at], "=") == 0) {
    *typed = "";
    return wants_value (0, words[at - 1]);
  }
  if (at >= 3 && strcmp (words[at - 1], "=") == 0)
    return wants_value (0, words[at - 2]);
  return NULL;
}

int
complete_words (int at, const char *const *words)
{
  int n_words = (int)strv_length ((char *const *)words), first, n = 0;
  const char *typed = at < n_words ? words[at] : "";
  const struct command *command = NULL;
  const struct option_row *row;
  uint64_t groups;

  if (at < 1 || at > n_words)
    return EXIT_ALL_WELL;
  first = skip_options (words, 1, at);
  if (first < at)
    command = command_find (words + first, &n, NULL);
  /* The word under the cursor is not a part of the name yet. */
  if (command && first + n > at)
    command = NULL;
  groups =
      command ? command->groups | GROUP_GENERAL : GROUP_TOP | GROUP_GENERAL;
  row = at < n_words ? value_after_equals (words, at, &typed) : NULL;
  if (row == NULL)
    row = wants_value (groups, words[at - 1]);
  if (row)
    offer_value (row, typed);
  else if (typed[0] == '-')
    offer_options (groups, typed);
  else if (command == NULL)
    offer_commands (first < at ? words[first] : NULL, typed);
  else
    offer_words (command->words, typed);
  return EXIT_ALL_WELL;
}
