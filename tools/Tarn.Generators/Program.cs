// Entry point of the code generators: writes every *.g.cs in the repository from its checked-in table.
// Invariant: running it twice changes nothing; CI runs it and fails when a checked-in file differs.
Console.WriteLine("no generators yet");
