// Entry point of the tarn command.
Console.WriteLine("tarn");
