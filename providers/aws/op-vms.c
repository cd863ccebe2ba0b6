/* Rows about many VMs at a time: power and marks. */

#include <string.h>

#include "ops.h"
#include "record.h"

/* InstanceId.N or ResourceId.N */
static int
fill_ids (const json_t *in, const char *name, struct strbuf *form,
          struct err **err)
{
  const json_t *vms = json_need_array (in, "vms", err);
  size_t i;
  json_t *vm;

  if (vms == NULL)
    return -1;
  if (json_array_size (vms) == 0)
    return err_set (err, ERR_INTERNAL, "a call about no VM");
  json_array_foreach ((json_t *)vms, i, vm)
  {
    aws_form (form, json_str (vm, "id", NULL), "%s.%zu", name, i + 1);
  }
  return 0;
}

/* Force makes EC2 cut the power once the guest has had its chance; a guest that
 * crash-loops does not hear the first call.  [model StopInstances] */
static int
fill_stop (const struct binding *b, const json_t *in, struct strbuf *form,
           struct err **err)
{
  (void)b;
  if (json_bool (in, "force", false))
    aws_form (form, "true", "Force");
  return fill_ids (in, "InstanceId", form, err);
}

static int
fill_start (const struct binding *b, const json_t *in, struct strbuf *form,
            struct err **err)
{
  (void)b;
  return fill_ids (in, "InstanceId", form, err);
}

/* The words of a mark, and the tags that hold them. */
static const struct {
  const char *key, *tag;
} marks[] = {{"campaign", TAG_CAMPAIGN},
             {"controller", TAG_CONTROLLER},
             {"since", TAG_SINCE}};

static int
fill_mark (const struct binding *b, const json_t *in, struct strbuf *form,
           struct err **err)
{
  const json_t *mark = json_need_object (in, "mark", err);
  int n = 0;

  (void)b;
  if (mark == NULL || fill_ids (in, "ResourceId", form, err) == -1)
    return -1;
  for (size_t i = 0; i < ARRAY_SIZE (marks); i++) {
    const char *value = json_str (mark, marks[i].key, "");

    if (*value == '\0')
      continue;
    n++;
    aws_form (form, marks[i].tag, "Tag.%d.Key", n);
    aws_form (form, value, "Tag.%d.Value", n);
  }
  return n ? 0 : err_set (err, ERR_INTERNAL, "a mark without a word");
}

/* With the value: a mark that another campaign has put there since stays.  The
 * other words tell nothing without it. */
static int
fill_unmark (const struct binding *b, const json_t *in, struct strbuf *form,
             struct err **err)
{
  (void)b;
  if (fill_ids (in, "ResourceId", form, err) == -1)
    return -1;
  for (int i = 0; i < (int)ARRAY_SIZE (marks); i++)
    aws_form (form, marks[i].tag, "Tag.%d.Key", i + 1);
  aws_form (form, json_str (in, "mark.campaign", NULL), "Tag.1.Value");
  return 0;
}

/* --- Auto Scaling -------------------------------------------------------- */

/* The group is told to do with one less meanwhile, else it would launch another
 * one; at the minimum of the group that fails, and says so. [Auto Scaling User
 * Guide, "Temporarily remove instances"] */
static int
fill_standby (const json_t *in, bool leaves, struct strbuf *form,
              struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);
  const char *group = id ? json_need_str (in, "vm.group.name", err) : NULL;

  if (group == NULL)
    return -1;
  aws_form (form, group, "AutoScalingGroupName");
  aws_form (form, id, "InstanceIds.member.1");
  if (leaves)
    aws_form (form, "true", "ShouldDecrementDesiredCapacity");
  return 0;
}

static int
fill_enter (const struct binding *b, const json_t *in, struct strbuf *form,
            struct err **err)
{
  (void)b;
  return fill_standby (in, true, form, err);
}

static int
fill_exit (const struct binding *b, const json_t *in, struct strbuf *form,
           struct err **err)
{
  (void)b;
  return fill_standby (in, false, form, err);
}

const struct aws_op aws_op_leave_group = {AWS_ASG_ENTER_STANDBY, fill_enter};
const struct aws_op aws_op_join_group = {AWS_ASG_EXIT_STANDBY, fill_exit};
const struct aws_op aws_op_stop = {AWS_STOP_INSTANCES, fill_stop,
                                   .batch = true};
const struct aws_op aws_op_start = {AWS_START_INSTANCES, fill_start,
                                    .batch = true};
const struct aws_op aws_op_mark = {AWS_CREATE_TAGS, fill_mark, .batch = true};
const struct aws_op aws_op_unmark = {AWS_DELETE_TAGS, fill_unmark,
                                     .batch = true};
