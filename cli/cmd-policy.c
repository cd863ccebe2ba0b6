/* `bootmend policy PROVIDER`: the least permissions, ready to be pasted. */

#include "command.h"

#include <string.h>

#include <keys/keys.h>
#include <providers/provider.h>

#include "output.h"

/* The provider's own options by their short names: --aws-region is "region". */
static void
add_own (json_t *asked, const struct provider *provider,
         const struct options *options)
{
  size_t len = strlen (provider->name);

  for (size_t i = 0; provider->options && provider->options[i].name; i++) {
    const char *name = provider->options[i].name;
    const char *value = options_text (options, name);

    if (value && strncmp (name, provider->name, len) == 0 && name[len] == '-')
      json_put_str (asked, name + len + 1, value);
  }
}

static int
add_without (json_t *asked, const struct options *options, struct err **err)
{
  static const char *const parts[] = {"snapshot", "evidence", "keys"};
  const struct str_vec *list = options_list (options, "without");

  for (size_t i = 0; i < list->len; i++) {
    size_t n = 0;

    while (n < ARRAY_SIZE (parts) && strcmp (parts[n], list->ptr[i]) != 0)
      n++;
    if (n == ARRAY_SIZE (parts))
      return err_set (err, ERR_USAGE,
                      "--without: '%s' is none of snapshot, evidence, keys",
                      list->ptr[i]);
    json_put_bool (asked, parts[n], false);
  }
  return 0;
}

/* Keys that are read from a vault of the provider need a right more. */
static void
add_keys (json_t *asked, const struct options *options)
{
  const struct str_vec *words = options_list (options, "keys");

  for (size_t i = 0; i < words->len; i++)
    if (key_word_is_vault (words->ptr[i]))
      json_put_bool (asked, "vault", true);
}

int
cmd_policy (struct cli *cli, struct err **err)
{
  const char *name = cli->options->args.ptr[0];
  const struct provider *provider = provider_by_name (name);
  const char *strategy = options_text (cli->options, "strategy");
  const char *account = options_text (cli->options, "account");
  CLEANUP_JSON json_t *asked = json_object (), *policy = NULL;

  if (provider == NULL)
    return err_set (err, ERR_USAGE, "'%s' is no provider", name);
  if (provider->policy == NULL)
    return err_set (err, ERR_USAGE,
                    "%s has no policies: it goes by the rights of the user",
                    name);
  if (strategy)
    json_put_str (asked, "strategy", strategy);
  if (account)
    json_put_str (asked, "account", account);
  json_put_bool (asked, "copy_running",
                 options_flag (cli->options, "copy-running"));
  for (size_t i = 0; i < options_list (cli->options, "allow")->len; i++)
    if (strcmp (options_list (cli->options, "allow")->ptr[i], "auto-scaling") ==
        0)
      json_put_bool (asked, "auto_scaling", true);
  add_keys (asked, cli->options);
  add_own (asked, provider, cli->options);
  if (add_without (asked, cli->options, err) == -1)
    return -1;
  policy = provider->policy (asked, err);
  if (policy == NULL)
    return -1;
  output_whole (policy);
  return EXIT_ALL_WELL;
}
