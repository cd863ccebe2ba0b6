/* powerOff, deallocate, start, restart, redeploy.
 *
 * Texts: learn.microsoft.com "Understand common error messages when you manage
 * virtual machines in Azure". */

#include "arm.h"

#include <string.h>

void
arm_set_power (struct fake_cloud *cloud, struct fake_object *vm,
               const char *power)
{
  json_put_str (vm->body, "_power", power);
  fake_object_changed (cloud, vm);
}

static bool
is_power (const struct fake_object *vm, const char *power)
{
  return strcmp (arm_power (vm), power) == 0;
}

/* The operation of a power action: the VM is on its way from now on, and
 * arrives, or falls back to what it was. arg: {to, from, boot}. */
static void
arrive (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *vm = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");

  if (vm) {
    bool late = strcmp (json_str (error, "code", ""), "VMStartTimedOut") == 0;

    arm_set_power (cloud, vm,
                   json_str (arg, error && !late ? "from" : "to", ""));
    arm_own_all (cloud, vm);
    /* What was to be stopped and was not has gone on all the time. */
    if (error == NULL && json_bool (arg, "boot", false))
      arm_guest_boot (cloud, vm);
    else if (error == NULL)
      arm_guest_off (cloud, vm);
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     NULL);
}

static int
go (struct fake_call *call, struct fake_object *vm, const char *way,
    const char *to, bool boot, int64_t ms, json_t *error_taken)
{
  json_t *arg = json_make ("{s:s,s:s,s:b}", "to", to, "from", arm_power (vm),
                           "boot", boot);

  if (error_taken)
    json_put (arg, "error", error_taken);
  if (*way)
    arm_set_power (call->cloud, vm, way);
  arm_operation (call, vm, ARM_BOTH, ms, arrive, arg);
  return arm_reply (call, 202, NULL);
}

static struct fake_object *
idle_vm (struct fake_call *call, const char *what)
{
  struct fake_object *vm = arm_subject (call, "vm");
  const char *power = vm ? arm_power (vm) : "";

  if (vm == NULL)
    return NULL;
  if (json_object_get (vm->body, "_operation") &&
      (strcmp (power, "starting") == 0 || strcmp (power, "stopping") == 0 ||
       strcmp (power, "deallocating") == 0)) {
    arm_fail (call, 409, "OperationNotAllowed",
              "An ongoing operation is changing power state of Virtual Machine "
              "%s to %s. Please perform operation %s after some time.",
              arm_name (vm), power, what);
    return NULL;
  }
  return arm_check_idle (call, vm, what) < 0 ? NULL : vm;
}

static int
deallocated_error (struct fake_call *call, const struct fake_object *vm,
                   const char *what)
{
  return arm_fail (call, 409, "OperationNotAllowed",
                   "Operation '%s' is not allowed on VM '%s' since the VM is "
                   "either deallocated or marked to be deallocated.",
                   what, arm_name (vm));
}

/* A guest that crash-loops does not hear the shutdown and is waited for in
 * vain. */
static int
power_off (struct fake_call *call)
{
  struct fake_object *vm = idle_vm (call, "powerOff");
  bool skip = arm_query_flag (call, "skipShutdown");
  const char *time;

  if (vm == NULL)
    return -1;
  if (is_power (vm, "deallocated"))
    return deallocated_error (call, vm, "powerOff");
  if (is_power (vm, "stopped"))
    return go (call, vm, "", "stopped", false,
               arm_time_ms (call->cloud, "idle"), NULL);
  time = skip                                        ? "power_off"
         : json_bool (vm->body, "_stopHangs", false) ? "stop_hangs"
         : json_bool (vm->body, "_boots", true)      ? "power_off"
                                                     : "power_off_unheard";
  return go (call, vm, "stopping", "stopped", false,
             arm_time_ms (call->cloud, time), NULL);
}

static int
deallocate (struct fake_call *call)
{
  struct fake_object *vm = idle_vm (call, "deallocate");
  bool done;

  if (vm == NULL)
    return -1;
  done = is_power (vm, "deallocated");
  return go (call, vm, done ? "" : "deallocating", "deallocated", false,
             arm_time_ms (call->cloud, done ? "idle" : "deallocate"), NULL);
}

static json_t *
no_capacity (void)
{
  return json_make ("{s:s,s:s}", "code", "AllocationFailed", "message",
                    "Allocation failed. We do not have sufficient capacity for "
                    "the requested VM size in this region. Read more about "
                    "improving likelihood of allocation success at "
                    "https://aka.ms/allocation-guidance");
}

static json_t *
timed_out (const struct fake_object *vm)
{
  CLEANUP_FREE char *text =
      xasprintf ("VM '%s' did not start in the allotted time. The VM may still "
                 "start successfully. Please check the power state later.",
                 arm_name (vm));

  return json_make ("{s:s,s:s}", "code", "VMStartTimedOut", "message", text);
}

/* A VM that was only stopped keeps its place. */
static int
start (struct fake_call *call)
{
  struct fake_object *vm = idle_vm (call, "start");

  if (vm == NULL)
    return -1;
  if (is_power (vm, "running"))
    return go (call, vm, "", "running", false,
               arm_time_ms (call->cloud, "idle"), NULL);
  if (json_bool (vm->body, "_noCapacity", false) &&
      is_power (vm, "deallocated"))
    return go (call, vm, "starting", "deallocated", false,
               arm_time_ms (call->cloud, "start"), no_capacity ());
  if (json_bool (vm->body, "_startHangs", false))
    return go (call, vm, "starting", "running", false,
               arm_time_ms (call->cloud, "start_timeout"), timed_out (vm));
  return go (call, vm, "starting", "running", true,
             arm_time_ms (call->cloud, "start"), NULL);
}

static int
again (struct fake_call *call, const char *what)
{
  struct fake_object *vm = idle_vm (call, what);

  if (vm == NULL)
    return -1;
  if (!is_power (vm, "running"))
    return deallocated_error (call, vm, what);
  return go (call, vm, "", "running", true, arm_time_ms (call->cloud, what),
             NULL);
}

static int
restart (struct fake_call *call)
{
  return again (call, "restart");
}

static int
redeploy (struct fake_call *call)
{
  return again (call, "redeploy");
}

#define VM                                                                     \
  "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"   \
  "virtualMachines/{vm}/"
#define ROW(name, policy, query)                                               \
  "POST", VM name, "compute", "virtualMachines/" name,                         \
      "Microsoft.Compute/virtualMachines/" name "/action", policy, query,      \
      ARM_CHANGES

const struct arm_route arm_power_routes[] = {
    {ROW ("powerOff", "UpdateVM", "skipShutdown"), power_off},
    {ROW ("start", "UpdateVM", NULL), start},
    {ROW ("restart", "UpdateVM", NULL), restart},
    {ROW ("redeploy", "UpdateVM", NULL), redeploy},
    {ROW ("deallocate", "DeleteVM", "hibernate forceDeallocate"), deallocate},
    {0},
};
