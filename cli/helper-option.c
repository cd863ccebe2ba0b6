#include "helper-option.h"

#include <string.h>

#include <controller/agent-ssh.h>
#include <providers/provider.h>

#include "request.h"

/* What may follow WHERE, after a comma each. */
static const struct {
  const char *name;
  bool has_value, for_ssh;
} keys[] = {
    {"devices", true, false}, /* the folder where its disks show up */
    {"agent", true, true},    /* a program there, instead of a copy */
    {"sudo", false, true},    /* the agent runs as root */
};

static int
read_key (const char *id, const char *word, bool ssh, json_t *spec,
          struct err **err)
{
  size_t len = strcspn (word, "=");

  for (size_t i = 0; i < ARRAY_SIZE (keys); i++) {
    const char *name = keys[i].name;

    if (strlen (name) != len || strncmp (name, word, len) != 0)
      continue;
    if (keys[i].for_ssh && !ssh)
      return err_set (err, ERR_USAGE, "--helper %s: ,%s is for ssh://", id,
                      name);
    if (keys[i].has_value != (word[len] == '=') ||
        (keys[i].has_value && word[len + 1] != '/'))
      return err_set (err, ERR_USAGE, "--helper %s: ,%s %s", id, name,
                      keys[i].has_value ? "wants =/PATH" : "takes no value");
    if (keys[i].has_value)
      json_put_str (spec, name, word + len + 1);
    else
      json_put_bool (spec, name, true);
    return 0;
  }
  return err_set (err, ERR_USAGE,
                  "--helper %s: ',%s' is none of ,devices=DIR ,agent=PATH "
                  ",sudo",
                  id, word);
}

static int
read_keys (const char *id, const char *text, bool ssh, json_t *spec,
           struct err **err)
{
  while (*text == ',') {
    size_t len = strcspn (++text, ",");
    CLEANUP_FREE char *word = xstrndup (text, len);

    if (read_key (id, word, ssh, spec, err) == -1)
      return -1;
    text += len;
  }
  return 0;
}

/* Options for the agent that its argv has after the program. */
static json_t *
agent_options (const struct cli *cli)
{
  json_t *options = request_agent (cli);

  json_array_remove (options, 0);
  return options;
}

int
helper_option_add (const struct cli *cli, const char *id, const char *text,
                   json_t *agents, json_t *helpers, struct err **err)
{
  size_t len = strcspn (text, ",");
  CLEANUP_FREE char *where = xstrndup (text, len);
  CLEANUP_JSON json_t *ssh = NULL, *spec = json_object ();
  bool local = strcmp (where, "local") == 0;

  if (!local && strncmp (where, "ssh://", 6) != 0)
    return err_set (err, ERR_USAGE,
                    "--helper %s: '%s' is neither local nor "
                    "ssh://[USER@]HOST[:PORT]",
                    id, where);
  if (!local) {
    ssh = agent_ssh_parse (where, err);
    if (ssh == NULL)
      return err_wrap (err, "--helper %s", id);
  }
  if (read_keys (id, text + len, !local, spec, err) == -1)
    return -1;
  json_put_str (spec, "where", where);
  if (ssh) {
    json_object_update (ssh, spec);
    json_put (ssh, "options", agent_options (cli));
    json_put (agents, id, json_make ("{s:o}", "ssh", TAKE (ssh)));
  } else
    json_put (agents, id, request_agent (cli));
  json_put (helpers, id, TAKE (spec));
  return 0;
}

/* "gcp:zones/...", as selections and `helper check` have it, is understood. */
static const char *
without_provider (const char *text)
{
  size_t len = strcspn (text, ":");
  CLEANUP_FREE char *name = xstrndup (text, len);

  return text[len] == ':' && provider_by_name (name) ? text + len + 1 : text;
}

char *
helper_option_id (const char *text_given)
{
  const char *text = without_provider (text_given);

  for (size_t i = 0; providers[i]; i++) {
    char *id = providers[i]->spell_id ? providers[i]->spell_id (text) : NULL;

    if (id)
      return id;
  }
  return xstrdup (text);
}

int
helper_options_add (const struct cli *cli, json_t *agents, json_t *helpers,
                    struct err **err)
{
  CLEANUP_JSON json_t *pairs = options_pairs (cli->options, "helper");
  const char *text;
  json_t *value;

  json_object_foreach (pairs, text, value)
  {
    CLEANUP_FREE char *id = helper_option_id (text);

    if (helper_option_add (cli, id, json_string_value (value), agents, helpers,
                           err) == -1)
      return -1;
  }
  return 0;
}
