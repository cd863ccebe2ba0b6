/* The commands: one row each; command.h says what the fields mean. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define RECIPES "Recipes"
#define GENERAL "General"

const struct command commands[] = {
    {"recipes list", RECIPES, "name the built-in recipes", NULL, GROUP_JSON, 0,
     0, WORDS_NONE, "Lists the built-in recipes, one line each.",
     cmd_recipes_list},
    {"recipes show", RECIPES, "say what a recipe does", "RECIPE",
     GROUP_RECIPE_FILE | GROUP_JSON, 1, 1, WORDS_RECIPES,
     "Says what a recipe looks for, what proof it asks, what it does, and "
     "which parameters it has. RECIPE is the name of a built-in one or a "
     "file. With --json it prints the recipe itself, which is a good start "
     "for one of your own.",
     cmd_recipes_show},
    {"recipes check", RECIPES, "check recipe files", "RECIPE...",
     GROUP_RECIPE_FILE | GROUP_JSON, 1, ARGS_ANY, WORDS_RECIPES,
     "Checks everything about recipes that can be checked without a disk. "
     "The exit status is 0 if all are good.",
     cmd_recipes_check},
    {"recipes schema", RECIPES, "print the JSON Schema of recipes", NULL, 0, 0,
     0, WORDS_NONE,
     "Prints the JSON Schema that editors and checkers can use for recipe "
     "files; bootmend-recipe(5) explains the format.",
     cmd_recipes_schema},

    {"help", GENERAL, "help on bootmend or on a command", "[COMMAND]", 0, 0, 2,
     WORDS_COMMANDS, "Shows the commands, or what one of them does.", cmd_help},
    {"version", GENERAL, "show the version", NULL, GROUP_JSON, 0, 0, WORDS_NONE,
     "Shows the versions of bootmend, of what it speaks with agents, and of "
     "the libraries it uses.",
     cmd_version},
    {NULL},
};

/* True if `name` is the words joined by spaces; *n is how many those are. */
static bool
name_matches (const char *name, const char *const *words, int *n)
{
  for (*n = 0; words[*n]; (*n)++) {
    size_t len = strlen (words[*n]);

    if (strncmp (name, words[*n], len) != 0)
      return false;
    name += len;
    if (*name == '\0') {
      (*n)++;
      return true;
    }
    if (*name++ != ' ')
      return false;
  }
  return false;
}

bool
command_is_family (const char *first)
{
  size_t len = strlen (first);

  for (size_t i = 0; commands[i].name; i++)
    if (strncmp (commands[i].name, first, len) == 0 &&
        commands[i].name[len] == ' ')
      return true;
  return false;
}

/* The first word leads to commands of two words. */
static int
incomplete_command (const char *word, struct err **err)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *list = NULL;
  size_t len = strlen (word);

  for (size_t i = 0; commands[i].name; i++)
    if (strncmp (commands[i].name, word, len) == 0 &&
        commands[i].name[len] == ' ')
      strbuf_addf (&sb, "%s%s", sb.len ? ", " : "", commands[i].name + len + 1);
  list = strbuf_take (&sb);
  return err_set (err, ERR_USAGE, "%s: needs one of: %s", word, list);
}

static int
unknown_command (const char *const *words, struct err **err)
{
  const char *names[2 * 64];
  CLEANUP_FREE char *two = NULL;
  const char *near;
  size_t n = 0;

  for (size_t i = 0; commands[i].name && n < ARRAY_SIZE (names); i++) {
    size_t first = strcspn (commands[i].name, " ");

    if (strlen (words[0]) == first &&
        strncmp (commands[i].name, words[0], first) == 0) {
      const char *second = words[1];

      if (second == NULL || second[0] == '-')
        return incomplete_command (words[0], err);
      two = two ? two : xasprintf ("%s %s", words[0], second);
    }
    names[n++] = commands[i].name;
  }
  near = suggest (two ? two : words[0], names, n);
  if (near)
    return err_set (err, ERR_USAGE, "'%s': no such command; did you mean %s?",
                    two ? two : words[0], near);
  return err_set (err, ERR_USAGE, "'%s': no such command",
                  two ? two : words[0]);
}

const struct command *
command_find (const char *const *words, int *n, struct err **err)
{
  for (size_t i = 0; commands[i].name; i++)
    if (name_matches (commands[i].name, words, n))
      return &commands[i];
  unknown_command (words, err);
  return NULL;
}
