/* Help, laid out for the width of the terminal from the tables. */

#include <stdio.h>
#include <string.h>

#include "command.h"

#define NARROW 60 /* below that, what is explained has a line of its own */

/* "  -r, --recipe=RECIPE" */
static char *
option_synopsis (const struct option_row *row)
{
  struct strbuf sb = STRBUF_EMPTY;

  if (row->letter)
    strbuf_addf (&sb, "  -%c, --%s", row->letter, row->name);
  else
    strbuf_addf (&sb, "      --%s", row->name);
  if (row->argument)
    strbuf_addf (&sb, " %s", row->argument);
  return strbuf_take (&sb);
}

/* A term and its explanation in two columns, or under each other. */
static void
add_entry (struct strbuf *sb, const char *term, const char *text, int column,
           int width)
{
  int at = text_columns (term);

  strbuf_addstr (sb, term);
  if (width < NARROW)
    column = 8;
  if (width < NARROW || at + 2 > column) {
    strbuf_addch (sb, '\n');
    at = 0;
  }
  add_spaces (sb, column - at);
  add_wrapped (sb, text, column, column, width);
  strbuf_addch (sb, '\n');
}

static void
add_option (struct strbuf *sb, const struct option_row *row, int width)
{
  CLEANUP_FREE char *term = option_synopsis (row);
  struct strbuf text = STRBUF_EMPTY;

  strbuf_addstr (&text, row->help);
  if (row->otherwise && row->type != OPTION_FLAG)
    strbuf_addf (&text, " (default: %s)", row->otherwise);
  if (row->many)
    strbuf_addstr (&text, "; may be repeated");
  add_entry (sb, term, text.buf, 28, width);
  strbuf_release (&text);
}

static void
add_options (struct strbuf *sb, uint64_t groups, int width)
{
  const struct option_set *set = option_set ();

  for (size_t i = 0; option_headings[i].title; i++) {
    uint64_t wanted = groups & option_headings[i].groups;
    bool any = false;

    for (size_t j = 0; j < set->n; j++) {
      if (!(set->rows[j].groups & wanted))
        continue;
      if (!any)
        strbuf_addf (sb, "\n%s:\n", option_headings[i].title);
      any = true;
      add_option (sb, &set->rows[j], width);
    }
  }
}

static void
add_usage (struct strbuf *sb, const char *command, const char *words, int width)
{
  CLEANUP_FREE char *text =
      xasprintf ("Usage: bootmend %s%s[OPTION]...%s%s", command,
                 command[0] ? " " : "", words ? " " : "", words ? words : "");

  add_wrapped (sb, text, 0, 7, width);
  strbuf_addch (sb, '\n');
}

/* The commands, or those of two words that start with `first`. */
static void
add_commands (struct strbuf *sb, const char *first, int width)
{
  const char *section = "";
  size_t len = first ? strlen (first) : 0;

  for (const struct command *c = commands; c->name; c++) {
    CLEANUP_FREE char *term = xasprintf ("  %s", c->name);

    if (first && (strncmp (c->name, first, len) != 0 || c->name[len] != ' '))
      continue;
    if (strcmp (section, c->section) != 0)
      strbuf_addf (sb, "\n%s:\n", c->section);
    section = c->section;
    add_entry (sb, term, c->summary, 20, width);
  }
}

char *
help_family (const char *first, int width)
{
  struct strbuf sb = STRBUF_EMPTY;

  add_usage (&sb, first, "COMMAND ...", width);
  add_commands (&sb, first, width);
  return strbuf_take (&sb);
}

char *
help_overview (int width)
{
  struct strbuf sb = STRBUF_EMPTY;

  add_usage (&sb, "", "COMMAND ...", width);
  strbuf_addch (&sb, '\n');
  add_wrapped (&sb,
               "Repairs virtual machines that no longer boot: stops each, "
               "mends its disk outside of it, starts it again and proves that "
               "it boots; with a way back from every step.",
               0, 0, width);
  strbuf_addch (&sb, '\n');
  add_commands (&sb, NULL, width);
  add_options (&sb, GROUP_TOP | GROUP_GENERAL, width);
  strbuf_addch (&sb, '\n');
  add_wrapped (&sb,
               "`bootmend COMMAND --help` tells more of a command; bootmend(1) "
               "tells all, with examples.",
               0, 0, width);
  strbuf_addch (&sb, '\n');
  return strbuf_take (&sb);
}

char *
help_command (const struct command *command, int width)
{
  struct strbuf sb = STRBUF_EMPTY;

  add_usage (&sb, command->name, command->usage, width);
  strbuf_addch (&sb, '\n');
  add_wrapped (&sb, command->description, 0, 0, width);
  strbuf_addch (&sb, '\n');
  add_options (&sb, command->groups | GROUP_GENERAL, width);
  return strbuf_take (&sb);
}
