// The list of checks, by hand: reflection would not survive trimming, and a check that is not listed fails to compile nowhere, so
// Tarn.Runtime.Tests compares this list with the methods.
namespace Tarn.MachineChecks;

internal static class AllChecks
{
    public static IReadOnlyList<(string Name, Action Run)> List { get; } =
    [
        (nameof(ProcessorChecks.The_processor_says_what_the_kernel_says), ProcessorChecks.The_processor_says_what_the_kernel_says),
        (nameof(ProcessorChecks.Switches_turn_features_off), ProcessorChecks.Switches_turn_features_off),
        (nameof(CallChecks.Arrays_of_every_length_reach_the_host_and_come_back), CallChecks.Arrays_of_every_length_reach_the_host_and_come_back),
        (nameof(CallChecks.Guests_read_arguments_and_give_results_where_the_convention_says), CallChecks.Guests_read_arguments_and_give_results_where_the_convention_says),
        (nameof(CallChecks.Typed_entries_take_every_type_in_registers_and_beyond), CallChecks.Typed_entries_take_every_type_in_registers_and_beyond),
        (nameof(CallChecks.Entries_compile_without_transition_too), CallChecks.Entries_compile_without_transition_too),
        (nameof(CallChecks.Each_trap_code_arrives), CallChecks.Each_trap_code_arrives),
        (nameof(CallChecks.Memory_faults_become_traps_and_null_references_stay), CallChecks.Memory_faults_become_traps_and_null_references_stay),
        (nameof(CallChecks.Host_functions_throw_collect_recurse_and_call_back), CallChecks.Host_functions_throw_collect_recurse_and_call_back),
        (nameof(CallChecks.Host_functions_catch_traps_of_the_guests_they_call), CallChecks.Host_functions_catch_traps_of_the_guests_they_call),
        (nameof(CallChecks.Direct_exits_carry_every_type_and_clear_the_upper_half_of_i32), CallChecks.Direct_exits_carry_every_type_and_clear_the_upper_half_of_i32),
        (nameof(CallChecks.Backtraces_cross_activations_and_stack_arguments), CallChecks.Backtraces_cross_activations_and_stack_arguments),
        (nameof(CallChecks.Conventions_are_as_written_down), CallChecks.Conventions_are_as_written_down),
        (nameof(SuspensionChecks.A_guest_suspended_on_one_thread_is_resumed_on_others), SuspensionChecks.A_guest_suspended_on_one_thread_is_resumed_on_others),
        (nameof(SuspensionChecks.Whoever_resumes_as_deep_as_whoever_entered_keeps_its_registers), SuspensionChecks.Whoever_resumes_as_deep_as_whoever_entered_keeps_its_registers),
        (nameof(SuspensionChecks.A_suspended_guest_can_be_dropped), SuspensionChecks.A_suspended_guest_can_be_dropped),
        (nameof(SuspensionChecks.Interruption_preserves_every_register), SuspensionChecks.Interruption_preserves_every_register),
        (nameof(SuspensionChecks.Builtins_take_arguments_and_give_results), SuspensionChecks.Builtins_take_arguments_and_give_results),
        (nameof(SuspensionChecks.Lazy_functions_are_compiled_once_with_arguments_untouched), SuspensionChecks.Lazy_functions_are_compiled_once_with_arguments_untouched),
        (nameof(SuspensionChecks.Copy_and_fill_agree_with_spans), SuspensionChecks.Copy_and_fill_agree_with_spans),
        (nameof(SuspensionChecks.Copy_and_fill_of_several_pieces_agree_with_spans), SuspensionChecks.Copy_and_fill_of_several_pieces_agree_with_spans),
        (nameof(FaultChecks.Touched_pages_of_a_slot_are_opened_and_logged), FaultChecks.Touched_pages_of_a_slot_are_opened_and_logged),
        (nameof(FaultChecks.Stacks_are_exhausted_at_every_depth_while_signals_arrive), FaultChecks.Stacks_are_exhausted_at_every_depth_while_signals_arrive),
        (nameof(FaultChecks.Large_signatures_compare_with_the_stack_limit), FaultChecks.Large_signatures_compare_with_the_stack_limit),
        (nameof(FaultChecks.The_guard_page_below_a_stack_faults), FaultChecks.The_guard_page_below_a_stack_faults),
        (nameof(FaultChecks.Bus_errors_are_traps_too), FaultChecks.Bus_errors_are_traps_too),
        (nameof(FaultChecks.The_handler_keeps_the_runtimes_mask_and_flags), FaultChecks.The_handler_keeps_the_runtimes_mask_and_flags),
        (nameof(ConcurrencyChecks.Eight_threads_do_everything_while_one_allocates), ConcurrencyChecks.Eight_threads_do_everything_while_one_allocates),
    ];
}
