// Entry point of the code generators: writes every *.g.cs in the repository from its checked-in table.
// Invariant: running it twice changes nothing. `--check` writes nothing and exits 1 when a checked-in file differs, which is how CI holds the tree to it.
using Tarn.Generators;

string root = FindRoot(Environment.CurrentDirectory) ?? FindRoot(AppContext.BaseDirectory)
    ?? throw new InvalidOperationException("Run this from within the repository: no directory above holds Tarn.slnx.");
bool check = args.Contains("--check");
int stale = 0;
foreach (GeneratedFile file in OpcodeGenerator.Generate(root).Concat(ArityGenerator.Generate()).Concat(GuestCallGenerator.Generate()).Concat(DirectHostCallGenerator.Generate()).Concat(MachineOpcodeGenerator.Generate(root)))
{
    string path = Path.Combine(root, file.Path);
    if (File.Exists(path) && File.ReadAllText(path) == file.Text)
        continue;
    stale++;
    Console.WriteLine(check ? $"stale: {file.Path}" : $"wrote {file.Path}");
    if (!check)
        File.WriteAllText(path, file.Text);
}

if (check && stale > 0)
{
    Console.Error.WriteLine("Generated files differ from their tables: run `dotnet run --project tools/Tarn.Generators` and commit the result.");
    return 1;
}

return 0;

static string? FindRoot(string start)
{
    for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
    {
        if (File.Exists(Path.Combine(directory.FullName, "Tarn.slnx")))
            return directory.FullName;
    }

    return null;
}
